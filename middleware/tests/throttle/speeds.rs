//! Limits of tokens, bytes and events.

use super::*;

#[test]
fn events_are_paid_one_by_one_and_the_first_does_not_wait() {
    let outcome = go(throttle(r#"{"events":"10/s"}"#), Answer::deltas(["a ", "b ", "c "]));
    assert_eq!(outcome.deltas(), [(100, "a "), (200, "b "), (300, "c ")], "the start was the first");
    assert_eq!((outcome.took, outcome.end), (ms(500), Some(EndKind::Finished)));
}

#[test]
fn bytes_are_paid_after_the_piece() {
    let outcome = go(throttle(r#"{"bytes":"10/s"}"#), Answer::text("ab cdefg hi"));
    assert_eq!(outcome.deltas(), [(0, "ab "), (300, "cdefg "), (900, "hi")]);
    assert_eq!(outcome.took, ms(900), "the finish has no bytes and does not wait");
}

#[test]
fn tokens_are_estimated_and_pieces_add_up() {
    // A letter or space is a quarter of a token: 10 words of 4 bytes are 10 tokens.
    let outcome = go(throttle(r#"{"tokens":"5/s"}"#), Answer::text(&"ten ".repeat(10)));
    let times: Vec<u128> = outcome.deltas().into_iter().map(|(at, _)| at).collect();
    assert_eq!(times, [0, 200, 400, 600, 800, 1000, 1200, 1400, 1600, 1800]);
}

#[test]
fn tool_arguments_count_and_are_not_cut() {
    let input = |delta: &str| Event::ToolInput { choice: 0, part: 0, delta: delta.into() };
    let answer = Answer::events([
        Event::Start { id: None, model: None },
        Event::ToolStart { choice: 0, part: 0, id: "1".into(), name: "find".into(), by: Default::default() },
        input("{\"a b\":"),
        input("1}"),
        Event::PartEnd { choice: 0, part: 0 },
        Event::Finish { choice: 0, finish: Default::default() },
    ]);
    let outcome = go(throttle(r#"{"bytes":"7/s"}"#), answer);
    assert_eq!(outcome.deltas(), [(0, "{\"a b\":"), (1000, "1}")]);
}

#[test]
fn a_slow_upstream_is_not_slowed_down() {
    let answer = Answer::deltas(["a ", "b "]).with(1, Step::Wait(SECOND)).with(3, Step::Wait(SECOND));
    let outcome = go(throttle(r#"{"tokens":"10/s","by":"word"}"#), answer);
    assert_eq!(outcome.deltas(), [(1000, "a "), (2000, "b ")]);
    assert_eq!(outcome.took, 2 * SECOND);
}

#[test]
fn the_upstream_is_read_only_as_far_as_the_window_hands_out() {
    let words: Vec<String> = (0..100).map(|n| format!("word{n:02} ")).collect();
    let simulation = Simulation::new(1);
    let service = ScriptedService::new([Answer::deltas(words.iter().map(String::as_str))]);
    let read = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let seen = read.clone();
    let counted = belvedere_core::layer::layer_fn("counted", move |cx, request, next: Stack| {
        let seen = seen.clone();
        async move {
            let events = next.call(cx, request).await?;
            let counted = events.inspect(move |_| {
                seen.fetch_add(1, std::sync::atomic::Ordering::AcqRel);
            });
            Ok(Events::new(counted))
        }
    });
    // Seven bytes a word: ten words a second.
    let stack = throttle(r#"{"bytes":"70/s"}"#).layer(counted.layer(Stack::new(service)));
    simulation.run(async {
        let mut events = stack.call(simulation.context(), super::streamed()).await.unwrap();
        for taken in 1..=50 {
            assert!(events.next().await.unwrap().is_ok());
            let ahead = read.load(std::sync::atomic::Ordering::Acquire) - taken;
            assert!(ahead <= 11, "{ahead} events ahead after {taken}");
        }
    });
}

#[test]
fn the_end_is_not_delayed_by_more_than_the_window() {
    for (end, kind) in [
        (Step::Alive, EndKind::Finished),
        (Step::Fail(Error::new(ErrorKind::Network, "reset")), EndKind::Failed),
    ] {
        // All of it comes at 10 s; half a second of it is held when the end comes.
        let answer =
            Answer::deltas(["a ", "b ", "c ", "d ", "e ", "f"]).with(1, Step::Wait(10 * SECOND)).with(9, end);
        let outcome = go(throttle(r#"{"bytes":"22/s","window":"500ms"}"#), answer);
        assert_eq!((outcome.end, outcome.took.as_millis()), (Some(kind), 10_454));
        assert_eq!(outcome.texts().concat(), "a b c d e f");
        assert_eq!(outcome.error.map(|e| e.kind()), (kind == EndKind::Failed).then_some(ErrorKind::Network));
    }
}

#[test]
fn what_is_asked_for_as_a_whole_is_not_held_back() {
    let simulation = Simulation::new(1);
    let began = simulation.clock.now();
    let client =
        Client::new(ScriptedService::new([Answer::text("One word after the other.")]), simulation.lent())
            .layer(throttle(r#"{"tokens":"1/s"}"#));
    assert_eq!(simulation.run(client.complete("hi")).unwrap().text(), "One word after the other.");
    assert_eq!(simulation.clock.now(), began);
}
