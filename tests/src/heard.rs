//! What the hooks hear.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use belvedere::hooks::{Hook, Signal};
use serde_json::Value;

/// Writes down every signal in its JSON form, without the id of its call. A clone shares the list.
#[derive(Debug, Clone, Default)]
pub(crate) struct Heard(Arc<Mutex<Vec<Value>>>);

impl Heard {
    fn lock(&self) -> MutexGuard<'_, Vec<Value>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was heard since it was last asked.
    pub(crate) fn take(&self) -> Vec<Value> {
        std::mem::take(&mut self.lock())
    }
}

impl Hook for Heard {
    fn signal(&self, signal: &Signal) {
        let mut json = serde_json::to_value(signal).unwrap_or_default();
        json.as_object_mut().and_then(|fields| fields.remove("call"));
        self.lock().push(json);
    }
}
