//! Real threads: every reader and the task each on its own.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, JoinHandle, Thread};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;

use super::tests_feed::{Feed, Item, answer, sizes};
use super::*;
use crate::error::ErrorKind;
use crate::event::Event;
use crate::spawner::Spawner;
use crate::testing::Simulation;

struct Parked {
    thread: Thread,
    woken: AtomicBool,
}

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// How often a thread that was not woken looks again, 10 s apart. It may also return from its sleep by itself.
const PATIENCE: usize = 10;

/// Runs a future on this thread. One that is not woken for long was forgotten.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let parked = Arc::new(Parked { thread: thread::current(), woken: AtomicBool::new(false) });
    let waker = Waker::from(parked.clone());
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return value;
        }
        let mut looks = 0;
        while !parked.woken.swap(false, Ordering::AcqRel) {
            assert!(looks < PATIENCE, "a wake-up was lost");
            looks += 1;
            thread::park_timeout(Duration::from_secs(10));
        }
    }
}

/// A thread for each task.
#[derive(Debug, Default, Clone)]
struct Threads(Arc<Mutex<Vec<JoinHandle<()>>>>);

impl Threads {
    /// Waits for all tasks to be over.
    fn join(&self) {
        let threads = std::mem::take(&mut *self.0.lock().unwrap());
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }
}

impl Spawner for Threads {
    #[expect(clippy::disallowed_methods, reason = "this is the spawner")]
    fn spawn(&self, _: &'static str, task: BoxFuture<'static, ()>) {
        self.0.lock().unwrap().push(thread::spawn(move || block_on(task)));
    }
}

async fn drain(mut cursor: Cursor) -> (Vec<Event>, Option<ErrorKind>) {
    let mut events = Vec::new();
    while let Some(item) = cursor.next().await {
        match item {
            Ok(event) => events.push(event),
            Err(error) => return (events, Some(error.kind())),
        }
    }
    (events, None)
}

fn threaded(feed: &Feed, options: LogOptions) -> (EventLog, Threads) {
    let threads = Threads::default();
    let lent = Lent { spawner: Arc::new(threads.clone()), ..Simulation::new(1).lent() };
    (EventLog::new(feed.events(), Arc::new(lent), options), threads)
}

#[test]
fn readers_on_threads_of_their_own_miss_no_event_and_no_wake_up() {
    for bound in [1, 3, 1000] {
        let feed = Feed::new();
        let all = answer(2000);
        let (log, _) =
            threaded(&feed, LogOptions { bytes: sizes(bound), keep: Keep::Unread, ..LogOptions::default() });
        let cursors: Vec<_> = (0..4).map(|_| log.reader().unwrap()).collect();
        let read = thread::scope(|scope| {
            let readers: Vec<_> =
                cursors.into_iter().map(|cursor| scope.spawn(|| block_on(drain(cursor)))).collect();
            all.iter().for_each(|event| feed.push(event.clone()));
            feed.feed(Item::End);
            readers.into_iter().map(|reader| reader.join().unwrap()).collect::<Vec<_>>()
        });
        assert!(read == vec![(all, None); 4], "every reader has all of it");
    }
}

#[test]
fn a_lone_reader_is_followed_and_cancelled_on_other_threads_at_any_moment() {
    for round in 0..300 {
        let feed = Feed::new();
        let all = answer(50);
        let (log, threads) = threaded(&feed, LogOptions::default());
        let leader = log.reader().unwrap();
        thread::scope(|scope| {
            let leader = scope.spawn(|| block_on(drain(leader)));
            let follower = scope.spawn(|| log.attach(0).map(|cursor| block_on(drain(cursor))));
            scope.spawn(|| {
                all.iter().for_each(|event| feed.push(event.clone()));
                feed.feed(Item::End);
            });
            if round % 2 == 0 {
                log.cancel();
            }
            let followed = follower.join().unwrap().unwrap();
            for (events, error) in [leader.join().unwrap(), followed] {
                assert!(events == all[..events.len()]);
                let cancelled = round % 2 == 0 && error == Some(ErrorKind::Cancelled);
                assert!(cancelled || (error.is_none() && events.len() == all.len()), "{error:?}");
            }
        });
        assert!(log.end().is_some());
        // A task that reads just when the log is cancelled closes the source as it comes back from that.
        threads.join();
        assert!(!feed.is_open());
    }
}
