//! What layers keep for each upstream: one provider, host and credential.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use belvedere_core::credentials::CredentialId;
use belvedere_core::service::Info;
use smol_str::SmolStr;

/// Which upstream it is.
type Key = (SmolStr, Option<SmolStr>, Option<CredentialId>);

/// A `T` for each upstream that a layer stands before. It lives as long as a service holds it, so that a reload can
/// take it over, and what is not configured any more is forgotten.
pub(crate) struct Upstreams<T>(Mutex<BTreeMap<Key, Weak<T>>>);

impl<T> Upstreams<T> {
    /// The `T` of this upstream; where there is none, a new one.
    pub(crate) fn of(&self, info: &Info, make: impl FnOnce() -> T) -> Arc<T> {
        let key = (info.name.clone(), info.host.clone(), info.credential);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let one = all.get(&key).and_then(Weak::upgrade).unwrap_or_else(|| Arc::new(make()));
        all.retain(|_, one| one.strong_count() > 0);
        all.insert(key, Arc::downgrade(&one));
        one
    }

    /// All that are alive, in the order of their keys.
    #[cfg(feature = "breaker")]
    pub(crate) fn all(&self) -> Vec<Arc<T>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.values().filter_map(Weak::upgrade).collect()
    }
}

impl<T> Default for Upstreams<T> {
    fn default() -> Self {
        Upstreams(Mutex::default())
    }
}

impl<T> fmt::Debug for Upstreams<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        write!(f, "Upstreams({})", all.len())
    }
}
