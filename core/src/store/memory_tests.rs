use std::num::NonZeroU64;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::testing::{TestClock, run};

const SECOND: Duration = Duration::from_secs(1);

fn store() -> (TestClock, MemoryStore) {
    let clock = TestClock::new();
    let store = MemoryStore::new(Arc::new(clock.clone()));
    (clock, store)
}

fn one_a_second(burst: u64) -> Rate {
    Rate::new(NonZeroU64::MIN, SECOND).with_burst(burst)
}

fn is_taken(store: &MemoryStore, rate: Rate) -> bool {
    matches!(run(store.take("k", rate, 1)).unwrap(), Take::Taken(_))
}

#[test]
fn q9_a_clock_that_goes_back_widens_nothing() {
    let (clock, store) = store();
    let rate = one_a_second(2);
    assert!(is_taken(&store, rate) && is_taken(&store, rate));
    clock.step_back(15 * SECOND);
    assert!(!is_taken(&store, rate), "not a unit more");
    clock.advance(15 * SECOND);
    assert!(!is_taken(&store, rate), "the same moment as before");
    clock.advance(SECOND);
    assert!(is_taken(&store, rate), "and not a nanosecond later than it should be");
}

#[test]
fn q9_a_lifetime_that_is_over_stays_over() {
    let (clock, store) = store();
    let op = Op::Put { key: "k".into(), value: "v".into(), ttl: Some(SECOND), expect: Expect::Any };
    let _ = run(store.apply(&[op])).unwrap();
    clock.advance(SECOND);
    assert_eq!(run(store.get("k")).unwrap(), None);
    clock.step_back(SECOND);
    assert_eq!(run(store.get("k")).unwrap(), None);
}

#[test]
fn q13_a_suspend_counts_for_lifetimes_and_rates() {
    let (clock, store) = store();
    let rate = one_a_second(1);
    let op = Op::Put { key: "k".into(), value: "v".into(), ttl: Some(SECOND), expect: Expect::Any };
    let _ = run(store.apply(&[op])).unwrap();
    assert!(is_taken(&store, rate) && !is_taken(&store, rate));
    clock.suspend(SECOND);
    assert_eq!(run(store.get("k")).unwrap(), None);
    assert!(is_taken(&store, rate));
    clock.jump_wall(clock.wall() + 3600 * SECOND);
    assert!(!is_taken(&store, rate), "W15: the wall clock is nobody's business here");
}

#[test]
fn o6_what_is_over_does_not_pile_up() {
    let (clock, store) = store();
    for i in 0..10_000 {
        let key: Arc<str> = format!("k{i}").into();
        let op = Op::Put { key: key.clone(), value: "v".into(), ttl: Some(SECOND), expect: Expect::Absent };
        assert!(matches!(run(store.apply(&[op])).unwrap(), Applied::All(_)));
        let _ = run(store.take(&key, one_a_second(1), 1)).unwrap();
        clock.advance(Duration::from_millis(10));
    }
    assert!(store.held() <= 204, "a second's worth of each: {}", store.held());
}

#[test]
fn o6_what_is_put_anew_again_and_again_does_not_pile_up() {
    let (clock, store) = store();
    let put =
        |key: &str, ttl| Op::Put { key: key.into(), value: "v".into(), ttl: Some(ttl), expect: Expect::Any };
    for _ in 0..10_000 {
        let _ = run(store.take("rate", one_a_second(5), 1)).unwrap();
        // As a ledger does: kept for a day, and a moment later for a second only.
        let _ = run(store.apply(&[put("short", 86_400 * SECOND)])).unwrap();
        let _ = run(store.apply(&[put("short", SECOND)])).unwrap();
        let _ = run(store.apply(&[put("gone", 86_400 * SECOND), Op::delete("gone")])).unwrap();
        clock.advance(Duration::from_millis(10));
    }
    let state = store.state();
    let looks = (state.entries.looks(), state.buckets.looks());
    assert!(looks.0 <= 70 && looks.1 <= 2, "{looks:?}");
    drop(state);
    assert_eq!(store.held(), 2);
    clock.advance(SECOND);
    assert_eq!(run(store.get("short")).unwrap(), None);
    assert_eq!(store.held(), 1, "the rate is not yet full again");
}

#[test]
fn what_lives_longer_than_it_was_to_is_not_swept_away() {
    let (clock, store) = store();
    let put =
        |ttl: Option<Duration>| Op::Put { key: "k".into(), value: "v".into(), ttl, expect: Expect::Any };
    for ttl in [Some(SECOND), Some(9 * SECOND), Some(5 * SECOND)] {
        let _ = run(store.apply(&[put(ttl)])).unwrap();
    }
    clock.advance(4 * SECOND);
    assert!(run(store.get("k")).unwrap().is_some());
    clock.advance(SECOND);
    assert!(run(store.get("k")).unwrap().is_none());
    assert_eq!(store.held(), 0, "and then it is");
    let _ = run(store.apply(&[put(Some(SECOND)), put(None)])).unwrap();
    clock.advance(1_000_000 * SECOND);
    assert!(run(store.get("k")).unwrap().is_some(), "what has no end stays");
    let _ = run(store.apply(&[put(Some(SECOND))])).unwrap();
    clock.advance(SECOND);
    assert_eq!((run(store.get("k")).unwrap(), store.held()), (None, 0));
}

#[test]
fn a_refused_change_leaves_ends_and_versions_as_they_were() {
    let (clock, store) = store();
    let put = |ttl, expect| Op::Put { key: "k".into(), value: "v".into(), ttl: Some(ttl), expect };
    let _ = run(store.apply(&[put(SECOND, Expect::Any)])).unwrap();
    let before = run(store.get("k")).unwrap();
    let refused = [
        put(9 * SECOND, Expect::Any),
        Op::delete("k"),
        Op::add("n", 3),
        put(3 * SECOND, Expect::Absent),
        put(SECOND, Expect::Revision(Revision(77))),
    ];
    assert!(matches!(run(store.apply(&refused)).unwrap(), Applied::Refused { op: 4, .. }));
    assert_eq!((run(store.get("k")).unwrap(), run(store.get("n")).unwrap()), (before, None));
    clock.advance(SECOND);
    assert_eq!((run(store.get("k")).unwrap(), store.held()), (None, 0));
}

#[test]
fn nothing_prints_a_key_or_a_value() {
    let (_, store) = store();
    let op = Op::put("user:canary", "canary");
    assert!(!format!("{op:?}").contains("canary"));
    let _ = run(store.apply(&[op])).unwrap();
    let entry = run(store.get("user:canary")).unwrap();
    let page = run(store.scan("user:", None, NonZeroUsize::MIN)).unwrap();
    assert_eq!(page.entries.len(), 1);
    assert!(!format!("{store:?} {entry:?} {page:?} {:?}", Cursor::after("canary")).contains("canary"));
}

#[cfg(not(target_arch = "wasm32"))]
mod properties {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// A change as the test draws it; revisions are drawn as "the one that is there" or "another".
    #[derive(Debug, Clone)]
    enum Draw {
        Put(u8, u8, Guard),
        Delete(u8, Guard),
        Add(u8, i64, Option<i64>, Option<i64>),
    }

    #[derive(Debug, Clone, Copy)]
    enum Guard {
        Any,
        Absent,
        Current,
        Stale,
    }

    fn draws() -> impl Strategy<Value = Vec<Vec<Draw>>> {
        let key = 0_u8..4;
        let guard = prop_oneof![
            3 => Just(Guard::Any),
            1 => Just(Guard::Absent),
            2 => Just(Guard::Current),
            1 => Just(Guard::Stale)
        ];
        let bound = || prop::option::of(-3_i64..10);
        let draw = prop_oneof![
            (key.clone(), 0_u8..3, guard.clone()).prop_map(|(k, v, g)| Draw::Put(k, v, g)),
            (key.clone(), guard).prop_map(|(k, g)| Draw::Delete(k, g)),
            (key, -3_i64..4, bound(), bound()).prop_map(|(k, d, min, max)| Draw::Add(k, d, min, max)),
        ];
        prop::collection::vec(prop::collection::vec(draw, 1..5), 1..20)
    }

    /// What the model holds: text, or a number.
    type Model = BTreeMap<String, String>;

    fn name(key: u8) -> String {
        format!("k{key}")
    }

    fn guarded(model: &Model, key: u8, guard: Guard) -> bool {
        match guard {
            Guard::Any => true,
            Guard::Absent => !model.contains_key(&name(key)),
            Guard::Current => model.contains_key(&name(key)),
            Guard::Stale => false,
        }
    }

    /// The model after a change, or `None` when it is refused.
    fn after(mut model: Model, draw: &Draw) -> Option<Model> {
        match draw {
            Draw::Put(key, value, guard) => {
                if !guarded(&model, *key, *guard) {
                    return None;
                }
                model.insert(name(*key), format!("v{value}"));
            }
            Draw::Delete(key, guard) => {
                if !guarded(&model, *key, *guard) {
                    return None;
                }
                model.remove(&name(*key));
            }
            Draw::Add(key, delta, min, max) => {
                let count: i64 = model.get(&name(*key)).map_or(Some(0), |v| v.parse().ok())?;
                let sum = count + delta;
                if min.is_some_and(|min| sum < min) || max.is_some_and(|max| sum > max) {
                    return None;
                }
                model.insert(name(*key), sum.to_string());
            }
        }
        Some(model)
    }

    fn expect(store: &MemoryStore, key: u8, guard: Guard) -> Expect {
        let there = run(store.get(&name(key))).unwrap().map(|e| e.revision);
        match guard {
            Guard::Any => Expect::Any,
            Guard::Absent => Expect::Absent,
            Guard::Current => Expect::Revision(there.unwrap_or(Revision(u64::MAX))),
            Guard::Stale => Expect::Revision(Revision(u64::MAX)),
        }
    }

    fn op(store: &MemoryStore, draw: &Draw) -> Op {
        match draw.clone() {
            Draw::Put(key, value, guard) => Op::Put {
                key: name(key).into(),
                value: format!("v{value}").into(),
                ttl: None,
                expect: expect(store, key, guard),
            },
            Draw::Delete(key, guard) => {
                Op::Delete { key: name(key).into(), expect: expect(store, key, guard) }
            }
            Draw::Add(key, delta, min, max) => Op::Add { key: name(key).into(), delta, min, max, ttl: None },
        }
    }

    fn contents(store: &MemoryStore) -> Model {
        let page = run(store.scan("", None, NonZeroUsize::MAX)).unwrap();
        let text = |b: &Bytes| String::from_utf8(b.to_vec()).unwrap();
        page.entries.iter().map(|(key, entry)| (key.to_string(), text(&entry.value))).collect()
    }

    proptest! {
        #[test]
        fn apply_is_all_or_nothing_as_in_the_model(batches in draws()) {
            let (_, store) = store();
            let mut model = Model::new();
            for batch in batches {
                // A revision is that of before the batch, so a key is guarded by it once a batch.
                let mut touched = std::collections::BTreeSet::new();
                let batch: Vec<_> = batch
                    .into_iter()
                    .filter(|d| match d { Draw::Put(k, ..) | Draw::Delete(k, _) | Draw::Add(k, ..) => touched.insert(*k) })
                    .collect();
                let ops: Vec<_> = batch.iter().map(|draw| op(&store, draw)).collect();
                let mut refused = None;
                let mut next = model.clone();
                for (i, draw) in batch.iter().enumerate() {
                    match after(next.clone(), draw) {
                        Some(changed) => next = changed,
                        None => { refused = Some(i); break; }
                    }
                }
                match run(store.apply(&ops)).unwrap() {
                    Applied::All(effects) => {
                        prop_assert_eq!((effects.len(), refused), (ops.len(), None));
                        model = next;
                    }
                    Applied::Refused { op, .. } => prop_assert_eq!(Some(op), refused),
                }
                prop_assert_eq!(contents(&store), model.clone());
            }
        }
    }
}
