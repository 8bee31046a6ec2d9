//! The laws of reloads.

use std::any::Any;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use futures_util::StreamExt;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::hooks::Signal;
use crate::testing::Task;

/// A document with every section.
fn document(name: &str) -> Value {
    json!({
        "provider": { "type": "named", "name": name, "key": { "env": "KEY" } },
        "layers": [{ "type": "twice", "name": name }, { "type": "fragile", "breaks": "never" }],
        "stores": { "shared": { "type": "kept", "size": 1 } },
        "streams": { "buffer": 1024 },
    })
}

/// Documents that fail, each at another step, with what is said.
fn failing() -> Vec<(Value, &'static str)> {
    let with = |pointer: &str, value: Value| {
        let mut document = document("b");
        *document.pointer_mut(pointer).unwrap() = value;
        document
    };
    vec![
        (json!("no document"), "document: must be an object"),
        (
            with("/provider/key", json!({ "env": "UNSET" })),
            "provider.key: the environment variable UNSET is not set",
        ),
        (with("/provider/type", json!("nobody")), "provider.type: unknown provider `nobody`"),
        (with("/provider/name", json!("")), "provider.name: is empty"),
        (with("/layers/1/type", json!("nothing")), "layers[1].type: unknown layer `nothing`"),
        (with("/layers/0/name", json!(7)), "layers[0].name: must be a string"),
        (with("/layers/1/breaks", json!("with_an_error")), "layers[1].breaks: with an error"),
        (with("/stores/shared/size", json!(0)), "stores.shared.size: must be more than 0"),
        (with("/streams/buffer", json!("much")), "streams.buffer: must be"),
        (
            with("/streams", json!({ "pause": "checkpoint" })),
            "streams.pause: `checkpoint` needs the `repair` layer",
        ),
    ]
}

#[test]
fn o1_a_reload_that_fails_at_any_step_changes_nothing() {
    let bench = Bench::new();
    bench.set("KEY", "k1");
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ear = heard.clone();
    let client = bench.client(document("a")).on(move |signal: &Signal| {
        if let Signal::ReloadFailed { error } = signal {
            ear.lock().unwrap().push(error.message().to_owned());
        }
    });
    let adoptions = || -> usize {
        let current = client.current();
        let layers = current.pipeline.layers().iter();
        let twice = layers.filter_map(|layer| (layer.as_ref() as &dyn Any).downcast_ref::<Twice>());
        twice.map(|twice| twice.adopted.load(Ordering::Acquire)).sum()
    };
    let before = client.current();
    for (document, said) in failing() {
        let error = bench.try_reload(&client, document).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
        assert!(error.message().contains(said), "{said}: {}", error.message());
        assert_eq!(heard.lock().unwrap().pop().as_deref(), Some(error.message()), "the hooks are told");
        assert!(Arc::ptr_eq(&before, &client.current()), "{said}: the generation is the same");
        assert_eq!((client.generation(), adoptions()), (1, 0), "{said}: nobody gave its state away");
        assert_eq!(bench.alive(), 1, "{said}: nothing is left of the one that failed");
    }
    assert_eq!(bench.ask(&client), "a k1");
    assert_eq!(bench.reload(&client, document("b")), 2);
    assert_eq!((bench.ask(&client).as_str(), adoptions()), ("b k1", 1));
}

#[test]
#[cfg(not(target_arch = "wasm32"))]
fn o1_a_panic_while_it_is_built_changes_nothing_either() {
    let bench = Bench::new();
    bench.set("KEY", "k1");
    let client = bench.client(document("a"));
    let mut breaking = document("b");
    breaking["layers"][1]["breaks"] = json!("with_a_panic");
    let reload = std::panic::AssertUnwindSafe(|| bench.try_reload(&client, breaking));
    assert!(std::panic::catch_unwind(reload).is_err());
    assert_eq!((client.generation(), bench.ask(&client).as_str()), (1, "a k1"));
    assert_eq!(bench.reload(&client, document("b")), 2, "the next reload is not held up");
    assert_eq!(bench.ask(&client), "b k1");
}

#[test]
fn o2_who_was_overtaken_is_refused_and_no_change_is_lost() {
    let bench = Bench::new();
    bench.set("KEY", "k1");
    let client = bench.client(document("a"));
    let read = client.generation();
    let other = bench.registry.reload(&client, &document("saved").into(), read).unwrap();
    assert_eq!(other, 2, "another writer saved in between");
    let error = bench.registry.reload(&client, &document("from disk").into(), read).unwrap_err();
    assert_eq!(
        error.message(),
        "generation: 1 is not the one that holds, which is 2; read the configuration again"
    );
    assert_eq!(bench.ask(&client), "saved k1");
}

#[test]
#[cfg(not(target_arch = "wasm32"))]
fn o2_of_many_writers_at_once_each_adds_to_what_the_one_before_saved() {
    let bench = Bench::new();
    bench.set("KEY", "k1");
    let client = bench.client(document("0"));
    let (writers, changes) = (4, 50);
    std::thread::scope(|scope| {
        for _ in 0..writers {
            scope.spawn(|| {
                for _ in 0..changes {
                    loop {
                        let (from, name) = {
                            let current = client.current();
                            (current.number, current.stack.info().model.unwrap())
                        };
                        let next = (name.parse::<u64>().unwrap() + 1).to_string();
                        if bench.registry.reload(&client, &document(&next).into(), from).is_ok() {
                            break;
                        }
                    }
                }
            });
        }
    });
    let all = writers * changes;
    assert_eq!((client.generation(), bench.ask(&client)), (all + 1, format!("{all} k1")));
}

#[test]
fn o3_w16_a_call_sees_one_generation_wherever_a_reload_meets_it() {
    // `Twice` asks twice, a second for each step, and holds its provider and its loan to its own document.
    for second in 0..7 {
        let bench = Bench::new();
        bench.set("KEY", "k1");
        let client = bench.client(document("a"));
        let mut call = Task::new(client.complete("hi"));
        assert!(bench.simulation.poll(&mut call).is_pending());
        for passed in 0..=7 {
            if passed == second {
                bench.set("KEY", "k2");
                assert_eq!(bench.reload(&client, document("b")), 2);
            }
            bench.simulation.advance(SECOND);
            if let Poll::Ready(answer) = bench.simulation.poll(&mut call) {
                assert_eq!(answer.unwrap().text(), "a k1", "reloaded after {second} s");
                break;
            }
        }
        drop(call);
        assert_eq!(bench.ask(&client), "b k2");
        bench.simulation.assert_idle();
    }
}

#[test]
#[cfg(not(target_arch = "wasm32"))]
fn o3_w16_calls_of_many_threads_see_one_generation_each() {
    let bench = Bench::new();
    bench.set("KEY", "k1");
    // Without waiting: the calls are answered at once, and the reloads come as fast as they can.
    let client = bench.client(document("0"));
    std::thread::scope(|scope| {
        let reloads =
            scope.spawn(|| (1..200).all(|i| bench.try_reload(&client, document(&i.to_string())).is_ok()));
        while !reloads.is_finished() {
            // What `TwiceService` asserts of its loan is asserted at the first poll.
            let mut call = Task::new(client.complete("hi"));
            assert!(call.poll().is_pending());
        }
        assert!(reloads.join().unwrap());
    });
    assert_eq!(client.generation(), 200);
}

#[test]
fn o4_a_provider_that_is_replaced_lives_until_its_calls_end_and_no_longer() {
    let bench = Bench::new();
    bench.set("KEY", "old");
    let plain =
        |name: &str| json!({ "provider": { "type": "named", "name": name, "key": { "env": "KEY" } } });
    let client = bench.client(plain("a"));
    let mut stream = bench.simulation.run(client.stream("hi")).unwrap();
    assert!(bench.simulation.run(stream.next()).unwrap().is_ok());
    bench.set("KEY", "new");
    assert_eq!(bench.reload(&client, plain("b")), 2);
    assert_eq!(bench.alive(), 2, "the stream holds the old one");
    assert_eq!(bench.ask(&client), "b new");
    let rest = bench.simulation.run(stream.collect()).unwrap();
    assert_eq!(rest.text(), "a old", "with the key that it began with");
    assert_eq!(bench.alive(), 1, "nobody holds the old one any more");
    let stream = bench.simulation.run(client.stream("hi")).unwrap();
    assert_eq!((bench.reload(&client, plain("c")), bench.alive()), (3, 2));
    drop(stream);
    assert_eq!(bench.alive(), 1, "a stream that is dropped lets go, too");
}

#[test]
fn a_layer_goes_on_with_what_its_predecessor_counted() {
    let bench = Bench::new();
    bench.set("KEY", "k");
    let client = bench.client(document("a"));
    bench.ask(&client);
    bench.reload(&client, document("b"));
    bench.ask(&client);
    let current = client.current();
    let layers = current.pipeline.layers().iter();
    let twice = layers.filter_map(|layer| (layer.as_ref() as &dyn Any).downcast_ref::<Twice>());
    assert_eq!(twice.map(|twice| twice.asked.load(Ordering::Acquire)).sum::<usize>(), 2);
}
