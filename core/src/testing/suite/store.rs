//! The behaviour that every store has.

use std::fmt;
use std::num::{NonZeroU64, NonZeroUsize};
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::error::Result;
use crate::store::{Applied, Effect, Expect, Op, Rate, Refusal, Revision, Store, Take};

/// Lets the store's time pass: moves a test clock, or waits.
pub type Pass<'a> = &'a (dyn Fn(Duration) -> BoxFuture<'static, ()> + Send + Sync);

/// The lifetime the suite works with; lifetimes of a store may be as coarse as a second.
const LIFE: Duration = Duration::from_secs(2);

/// Checks the behaviour of an empty store. All keys begin with `suite:`.
///
/// # Errors
/// Those of the store.
///
/// # Panics
/// When the store behaves otherwise; the message says how.
pub async fn store(store: &dyn Store, pass: Pass<'_>) -> Result<()> {
    values(store).await?;
    expectations(store).await?;
    batches(store).await?;
    at_once(store).await?;
    counters(store).await?;
    lifetimes(store, pass).await?;
    scans(store).await?;
    rates(store, pass).await
}

/// What an `apply` did to all of its ops.
fn all(applied: Applied) -> Vec<Effect> {
    match applied {
        Applied::All(effects) => effects,
        #[expect(clippy::panic, reason = "the suite's verdict")]
        Applied::Refused { op, refusal } => panic!("op {op} was refused: {refusal:?}"),
    }
}

async fn put(store: &dyn Store, key: &str, value: &'static str) -> Result<Revision> {
    match all(store.apply(&[Op::put(key, value)]).await?).as_slice() {
        [Effect::Written(revision)] => Ok(*revision),
        #[expect(clippy::panic, reason = "the suite's verdict")]
        other => panic!("a put gives its revision, not {other:?}"),
    }
}

async fn text(store: &dyn Store, key: &str) -> Result<Option<String>> {
    Ok(store.get(key).await?.map(|entry| String::from_utf8_lossy(&entry.value).into_owned()))
}

fn equal<T: PartialEq + fmt::Debug>(found: T, expected: T, what: &str) {
    assert_eq!(found, expected, "{what}");
}

async fn values(store: &dyn Store) -> Result<()> {
    equal(text(store, "suite:a").await?, None, "nothing is there at first");
    let first = put(store, "suite:a", "1").await?;
    let second = put(store, "suite:a", "1").await?;
    assert_ne!(first, second, "each write makes a revision, also of the same value");
    let entry = store.get("suite:a").await?;
    equal(
        entry.map(|e| (e.value.to_vec(), e.revision)),
        Some((b"1".to_vec(), second)),
        "what was written is read",
    );
    let binary = Op::put("suite:bin", vec![0, 0xff, b'\n']);
    let _ = all(store.apply(&[binary, Op::put("suite:empty", "")]).await?);
    equal(
        store.get("suite:bin").await?.map(|e| e.value.to_vec()),
        Some(vec![0, 0xff, b'\n']),
        "values are bytes",
    );
    equal(text(store, "suite:empty").await?, Some(String::new()), "an empty value is a value");
    equal(all(store.apply(&[Op::delete("suite:a")]).await?), vec![Effect::Deleted], "a delete");
    equal(text(store, "suite:a").await?, None, "what was deleted is gone");
    equal(all(store.apply(&[Op::delete("suite:a")]).await?), vec![Effect::Deleted], "a delete of nothing");
    assert_ne!(put(store, "suite:a", "1").await?, second, "no revision comes back after a delete");
    Ok(())
}

async fn expectations(store: &dyn Store) -> Result<()> {
    let guarded = |expect| Op::Put { key: "suite:e".into(), value: "x".into(), ttl: None, expect };
    let refused = |found| Applied::Refused { op: 0, refusal: Refusal::Expected { found } };
    let stale = put(store, "suite:e", "0").await?;
    equal(store.apply(&[guarded(Expect::Absent)]).await?, refused(Some(stale)), "Absent where something is");
    let fresh = put(store, "suite:e", "1").await?;
    equal(store.apply(&[guarded(Expect::Revision(stale))]).await?, refused(Some(fresh)), "a stale revision");
    equal(text(store, "suite:e").await?, Some("1".into()), "a refused write leaves what is there");
    let _ = all(store.apply(&[guarded(Expect::Revision(fresh))]).await?);
    equal(text(store, "suite:e").await?, Some("x".into()), "the right revision writes");
    let delete = |expect| Op::Delete { key: "suite:e".into(), expect };
    assert!(matches!(store.apply(&[delete(Expect::Revision(fresh))]).await?, Applied::Refused { .. }));
    let _ = all(store.apply(&[Op::delete("suite:e"), guarded(Expect::Absent)]).await?);
    equal(text(store, "suite:e").await?, Some("x".into()), "an op sees the effects of those before it");
    Ok(())
}

/// A store that need not be waited for is the same store either way.
async fn at_once(store: &dyn Store) -> Result<()> {
    let Some(written) = store.apply_now(&mut [Op::put("suite:now", "1"), Op::add("suite:count", 2)]) else {
        equal(text(store, "suite:now").await?, None, "what has to be waited for is not done");
        return Ok(());
    };
    equal(text(store, "suite:now").await?, Some("1".into()), "what is written at once is there");
    let entry = store.get("suite:now").await?;
    let revision = entry.map_or(Revision(0), |entry| entry.revision);
    equal(all(written), vec![Effect::Written(revision), Effect::Counted(2)], "effects at once");
    let second = [Op::add("suite:count", 1), Op::delete("suite:now")];
    equal(all(store.apply(&second).await?), vec![Effect::Counted(3), Effect::Deleted], "both ways count on");
    Ok(())
}

async fn batches(store: &dyn Store) -> Result<()> {
    let _ = all(store
        .apply(&[Op::put("suite:b1", "1"), Op::put("suite:b2", "2"), Op::delete("suite:b3")])
        .await?);
    let last = Op::Put { key: "suite:b2".into(), value: "x".into(), ttl: None, expect: Expect::Absent };
    let batch = [Op::delete("suite:b1"), Op::add("suite:b3", 1), last];
    let applied = store.apply(&batch).await?;
    assert!(
        matches!(applied, Applied::Refused { op: 2, .. }),
        "the op that was refused is named: {applied:?}"
    );
    equal(text(store, "suite:b1").await?, Some("1".into()), "nothing of a refused batch is there");
    equal(text(store, "suite:b3").await?, None, "nothing of a refused batch is there");
    equal(all(store.apply(&[]).await?), Vec::new(), "no ops, no effects");
    Ok(())
}

async fn counters(store: &dyn Store) -> Result<()> {
    let add = |delta, min, max| Op::Add { key: "suite:c".into(), delta, min, max, ttl: None };
    let refused = |op, count| Applied::Refused { op, refusal: Refusal::Bounds { count } };
    equal(all(store.apply(&[add(5, None, None)]).await?), vec![Effect::Counted(5)], "a counter begins at 0");
    equal(text(store, "suite:c").await?, Some("5".into()), "a counter reads as decimal digits");
    equal(store.apply(&[add(-6, Some(0), None)]).await?, refused(0, 5), "the lower bound");
    equal(store.apply(&[add(3, None, Some(7))]).await?, refused(0, 5), "the upper bound");
    equal(
        store.apply(&[add(1, None, None), add(1, None, Some(6))]).await?,
        refused(1, 6),
        "bounds in a batch",
    );
    let effects = all(store.apply(&[add(-5, Some(0), None), add(7, None, Some(7))]).await?);
    equal(effects, vec![Effect::Counted(0), Effect::Counted(7)], "bounds are inclusive");
    equal(store.apply(&[add(i64::MAX, None, None)]).await?, refused(0, 7), "an overflow is a bound");
    let _ = all(store.apply(&[Op::put("suite:c", "seven")]).await?);
    let not = Applied::Refused { op: 0, refusal: Refusal::NotACounter };
    equal(store.apply(&[add(1, None, None)]).await?, not, "text is no counter");
    Ok(())
}

async fn lifetimes(store: &dyn Store, pass: Pass<'_>) -> Result<()> {
    let put = |key: &str, expect| Op::Put { key: key.into(), value: "1".into(), ttl: Some(LIFE), expect };
    let add = |ttl| Op::Add { key: "suite:tc".into(), delta: 1, min: None, max: None, ttl };
    let _ = all(store
        .apply(&[put("suite:t1", Expect::Any), put("suite:t2", Expect::Any), add(Some(LIFE))])
        .await?);
    equal(text(store, "suite:t1").await?, Some("1".into()), "it lives at first");
    pass(LIFE / 2).await;
    let _ = all(store.apply(&[Op::put("suite:t2", "2"), add(Some(10 * LIFE))]).await?);
    pass(LIFE / 2).await;
    equal(text(store, "suite:t1").await?, None, "its time is over");
    equal(
        text(store, "suite:t2").await?,
        Some("2".into()),
        "a write without a lifetime takes the old one away",
    );
    equal(text(store, "suite:tc").await?, None, "a counter's lifetime is that of its first add");
    let _ = all(store.apply(&[put("suite:t1", Expect::Absent)]).await?);
    Ok(())
}

async fn scans(store: &dyn Store) -> Result<()> {
    let keys = ["suite:s/a", "suite:s/b", "suite:s/b/c", "suite:s/ä", "suite:s0"];
    let puts: Vec<_> = keys.iter().rev().map(|key| Op::put(*key, *key)).collect();
    let _ = all(store.apply(&puts).await?);
    for limit in 1..=5 {
        let Some(limit) = NonZeroUsize::new(limit) else { continue };
        let (mut found, mut from) = (Vec::new(), None);
        loop {
            let page = store.scan("suite:s/", from.as_ref(), limit).await?;
            assert!(page.entries.len() <= limit.get(), "a page keeps to its limit");
            for (key, entry) in &page.entries {
                equal(String::from_utf8_lossy(&entry.value).as_ref(), key, "a scan gives the values");
                found.push(key.to_string());
            }
            match page.next {
                Some(next) => from = Some(next),
                None => break,
            }
        }
        assert!(found.iter().eq(keys.iter().take(4)), "in order, each once, nothing else: {found:?}");
    }
    Ok(())
}

async fn rates(store: &dyn Store, pass: Pass<'_>) -> Result<()> {
    // Slow enough that a real clock hardly moves it between two calls.
    let rate = Rate::new(NonZeroU64::MIN, LIFE).with_burst(3);
    let taken = |take: Take| matches!(take, Take::Taken(_));
    assert!(matches!(store.take("suite:r", rate, 4).await?, Take::Never), "more than the burst, never");
    assert!(taken(store.take("suite:r", rate, 2).await?), "within the burst");
    match store.take("suite:r", rate, 2).await? {
        Take::Wait(wait, level) => {
            assert!(wait <= LIFE && wait > LIFE / 2, "until one unit came back: {wait:?}");
            equal(level.remaining, 1, "what remains");
        }
        #[expect(clippy::panic, reason = "the suite's verdict")]
        other => panic!("two of the one that is left: {other:?}"),
    }
    assert!(taken(store.take("suite:r", rate, 1).await?), "a wait took nothing");
    assert!(!taken(store.take("suite:r", rate, 1).await?), "the burst is used up");
    assert!(taken(store.take("suite:r2", rate, 3).await?), "another key is another rate");
    equal(store.get("suite:r").await?.is_none(), true, "rates have a key space of their own");
    store.give("suite:r", rate, 1).await?;
    assert!(taken(store.take("suite:r", rate, 1).await?), "what was given back");
    pass(LIFE).await;
    assert!(taken(store.take("suite:r", rate, 1).await?), "a unit came back in its time");
    store.give("suite:r", rate, 100).await?;
    assert!(taken(store.take("suite:r", rate, 3).await?), "given back in excess: the burst");
    assert!(!taken(store.take("suite:r", rate, 1).await?), "and not more");
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::store::MemoryStore;
    use crate::testing::{TestClock, run};

    #[test]
    fn the_memory_store_behaves() {
        let clock = TestClock::new();
        let memory = MemoryStore::new(Arc::new(clock.clone()));
        let pass = move |by| -> BoxFuture<'static, ()> {
            clock.advance(by);
            Box::pin(std::future::ready(()))
        };
        run(store(&memory, &pass)).unwrap();
    }
}
