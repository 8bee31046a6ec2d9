//! The rules of the targets that were asked last.

use std::cell::RefCell;
use std::rc::Rc;

use super::rule::Rules;

/// The rules of one model of a server.
struct Known {
    wire: &'static str,
    host: String,
    model: String,
    rules: Rc<Rules>,
}

/// How many are kept: a thread asks few models in turn.
const MOST: usize = 8;

thread_local! {
    /// Each thread has its own, so that nobody waits for them. The last one that was looked up stands first.
    static KNOWN: RefCell<Vec<Known>> = const { RefCell::new(Vec::new()) };
}

/// The rules of a target; `find` looks them up where they are not known. The table is long, and most calls ask the same
/// model as the one before.
pub(super) fn rules(wire: &'static str, host: &str, model: &str, find: impl FnOnce() -> Rules) -> Rc<Rules> {
    KNOWN.with_borrow_mut(|known| {
        let is_it = |known: &Known| known.model == model && known.host == host && known.wire == wire;
        if let Some(known) = known.iter().find(|known| is_it(known)) {
            return known.rules.clone();
        }
        let rules = Rc::new(find());
        known.truncate(MOST - 1);
        known.insert(0, Known { wire, host: host.to_owned(), model: model.to_owned(), rules: rules.clone() });
        rules
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looked_up(wire: &'static str, host: &str, model: &str) -> bool {
        let mut looked_up = false;
        let rules = rules(wire, host, model, || {
            looked_up = true;
            Rules::new(wire)
        });
        assert_eq!(rules.wire, wire);
        looked_up
    }

    #[test]
    fn rules_are_looked_up_once_for_each_target() {
        assert!(looked_up("openai.chat", "openai", "gpt-5-mini"));
        assert!(!looked_up("openai.chat", "openai", "gpt-5-mini"));
        assert!(looked_up("openai.chat", "openai", "gpt-5"), "another model");
        assert!(looked_up("openai.chat", "groq", "gpt-5"), "another server");
        assert!(looked_up("openai.responses", "openai", "gpt-5"), "another wire");
        assert!(!looked_up("openai.chat", "openai", "gpt-5-mini"), "all of them are known");
    }

    #[test]
    fn a_thread_keeps_few_of_them() {
        for i in 0..100 {
            assert!(looked_up("openai.chat", "many", &i.to_string()));
        }
        KNOWN.with_borrow(|known| assert_eq!(known.len(), MOST));
        assert!(!looked_up("openai.chat", "many", "99"));
        assert!(looked_up("openai.chat", "many", "0"));
    }
}
