//! What holds for any text and any settings.

use std::sync::{Arc, Mutex};

use belvedere_core::layer::layer_fn;
use belvedere_core::testing::TestClock;
use belvedere_core::tokens::{TWELFTHS, twelfths_of};
use belvedere_middleware::throttle::By;
use proptest::prelude::*;
use unicode_segmentation::GraphemeCursor;

use super::*;

/// One thing an upstream does.
#[derive(Debug, Clone)]
enum Does {
    Text(bool, String),
    Input(String),
    Raw,
    Wait(u64),
}

/// The events of an answer: one thinking part, one text part, one tool call, in any mixture.
fn answer(script: &[Does], fails: bool) -> Answer {
    let tool =
        Event::ToolStart { choice: 0, part: 2, id: "1".into(), name: "f".into(), by: Default::default() };
    let open = |part, event: fn(u32) -> Event| Step::Event(event(part));
    let mut steps = vec![
        Step::Event(Event::Start { id: None, model: None }),
        open(0, |part| Event::Reasoning { choice: 0, part, delta: "".into() }),
        open(1, |part| Event::Text { choice: 0, part, delta: "".into() }),
        Step::Event(tool),
    ];
    steps.extend(script.iter().map(|does| match does {
        Does::Text(true, text) => Step::Event(Event::Text { choice: 0, part: 1, delta: text.into() }),
        Does::Text(false, text) => Step::Event(Event::Reasoning { choice: 0, part: 0, delta: text.into() }),
        Does::Input(text) => Step::Event(Event::ToolInput { choice: 0, part: 2, delta: text.into() }),
        Does::Raw => Step::Event(Event::Raw { name: None, data: "{}".into() }),
        Does::Wait(millis) => Step::Wait(ms(*millis)),
    }));
    if fails {
        steps.push(Step::Fail(Error::new(ErrorKind::Network, "reset")));
    } else {
        steps.extend((0..3).map(|part| Step::Event(Event::PartEnd { choice: 0, part })));
        steps.push(Step::Event(Event::Finish { choice: 0, finish: Default::default() }));
    }
    Answer { steps, ..Answer::default() }
}

/// The events with texts of one part that follow each other joined, and those that are empty left out.
fn joined(events: &[(Duration, Event)]) -> Vec<Event> {
    let mut all: Vec<Event> = Vec::new();
    for (_, event) in events {
        match (all.last_mut(), event) {
            (_, Event::Text { delta, .. } | Event::Reasoning { delta, .. }) if delta.is_empty() => {}
            (Some(Event::Text { part, delta, .. }), Event::Text { part: p, delta: d, .. })
            | (Some(Event::Reasoning { part, delta, .. }), Event::Reasoning { part: p, delta: d, .. })
                if part == p =>
            {
                *delta = format!("{delta}{d}").into();
            }
            _ => all.push(event.clone()),
        }
    }
    all
}

/// Where the texts of a part end, event by event, and the whole text.
fn cuts(events: &[(Duration, Event)], wanted: u32) -> (Vec<usize>, String) {
    let (mut cuts, mut text) = (Vec::new(), String::new());
    for (_, event) in events.iter().filter(|(_, event)| event.part().is_some_and(|(_, part)| part == wanted))
    {
        text.push_str(event.delta().unwrap_or_default());
        cuts.push(text.len());
    }
    (cuts, text)
}

/// The layer with a look at when the end of the source was read.
fn observed(settings: Throttle, answer: Answer) -> (Outcome, Duration) {
    let (simulation, service) = (Simulation::new(1), ScriptedService::new([answer]));
    let (clock, began) = (simulation.clock.clone(), simulation.clock.now());
    let ended = Arc::new(Mutex::new(Duration::ZERO));
    let (note, inner_clock): (_, TestClock) = (ended.clone(), clock.clone());
    let noting = layer_fn("noting", move |cx, request, next: Stack| {
        let (note, clock) = (note.clone(), inner_clock.clone());
        async move {
            let mut events = next.call(cx, request).await?;
            Ok(Events::new(futures_util::stream::poll_fn(move |cx| {
                let polled = events.poll_next_unpin(cx);
                if matches!(polled, std::task::Poll::Ready(None | Some(Err(_)))) {
                    *note.lock().unwrap() = clock.now().since(began);
                }
                polled
            })))
        }
    });
    let stack = settings.layer(noting.layer(Stack::new(service)));
    let at = || clock.now().since(began);
    let (events, error, end) = simulation
        .run(async { read(stack.call(simulation.context(), super::streamed()).await.unwrap(), at).await });
    simulation.assert_idle();
    let ended = *ended.lock().unwrap();
    (Outcome { events, error, end, took: clock.now().since(began) }, ended)
}

/// How much of something goes through in every stretch of time, beyond what its speed allows, leaving out the last
/// event of the stretch. In units.
fn excess(events: &[(Duration, Event)], units: u64, per: Duration, cost: impl Fn(&Event) -> u64) -> u64 {
    let costs: Vec<(Duration, u64)> =
        events.iter().map(|(at, event)| (*at, cost(event))).filter(|(_, c)| *c > 0).collect();
    let mut worst = 0;
    for from in 0..costs.len() {
        let mut through = 0;
        for to in from..costs.len() {
            let allowed = (costs[to].0 - costs[from].0).as_nanos() * u128::from(units) / per.as_nanos();
            worst = worst.max(through - i128::try_from(allowed).unwrap());
            through += i128::from(costs[to].1);
        }
    }
    u64::try_from(worst).unwrap()
}

fn script() -> impl Strategy<Value = Vec<Does>> {
    let text = prop_oneof![
        "[a-z]{0,6}[ .,\n]{0,2}",
        "[a-zA-Z ,]{0,40}",
        "\\PC{0,12}",
        Just("👩‍👩‍👧 e\u{301}你好\r\n".to_owned()),
        "x{300,900}",
    ];
    let does = prop_oneof![
        6 => (any::<bool>(), text).prop_map(|(visible, text)| Does::Text(visible, text)),
        1 => "[a-z:{}]{0,10}".prop_map(Does::Input),
        1 => Just(Does::Raw),
        2 => (0_u64..700).prop_map(Does::Wait),
    ];
    prop::collection::vec(does, 0..40)
}

fn speed() -> impl Strategy<Value = Option<(u64, u64)>> {
    prop::option::of((1_u64..200, prop_oneof![Just(1000_u64), 10..3000_u64]))
}

fn settings() -> impl Strategy<Value = Throttle> {
    let by = prop::option::of(prop_oneof![
        Just(By::Word),
        Just(By::Line),
        (1_u64..800).prop_map(|millis| By::Cadence(ms(millis))),
    ]);
    (speed(), speed(), speed(), by, 0_u64..3000).prop_map(|(tokens, bytes, events, by, window)| {
        let speed = |s: Option<(u64, u64)>| s.map(|(units, per)| format!("{units}/{per}ms").parse().unwrap());
        let mut throttle = Throttle::default();
        (throttle.tokens, throttle.bytes, throttle.events) = (speed(tokens), speed(bytes), speed(events));
        (throttle.by, throttle.window) = (by, ms(window));
        throttle
    })
}

proptest! {
    #[test]
    fn nothing_is_lost_reordered_or_late(script in script(), settings in settings(), fails in any::<bool>()) {
        let plain = go(Throttle::default(), answer(&script, fails));
        let (seen, ended) = observed(settings, answer(&script, fails));
        prop_assert_eq!(joined(&seen.events), joined(&plain.events));
        prop_assert_eq!(seen.end, plain.end);
        prop_assert_eq!(seen.error.is_some(), fails);
        // The end comes within the window.
        prop_assert!(seen.took - ended <= settings.window, "{:?} after the end", seen.took - ended);
        // No character is cut that came whole.
        for part in 0..3 {
            let ((own, text), (given, _)) = (cuts(&seen.events, part), cuts(&plain.events, part));
            for at in own.into_iter().filter(|at| !given.contains(at)) {
                let whole = GraphemeCursor::new(at, text.len(), true).is_boundary(&text, 0).unwrap();
                prop_assert!(whole, "cut at {at} of {text:?}");
            }
        }
    }

    #[test]
    fn speeds_hold_in_any_stretch_of_time(script in script(), settings in settings()) {
        let (seen, _) = observed(settings, answer(&script, false));
        let delta = |event: &Event| event.delta().unwrap_or_default().to_owned();
        // A beat of a cadence is paid as a whole.
        let beat = |units: u64, per: Duration| match settings.by {
            Some(By::Cadence(interval)) => {
                let interval = interval.min(settings.window).max(ms(1));
                u64::try_from(interval.as_nanos() * u128::from(units) / per.as_nanos()).unwrap() + 1
            }
            _ => 0,
        };
        let longest = seen.events.iter().map(|(_, event)| delta(event).len() as u64).max().unwrap_or(0);
        if let Some(speed) = settings.events {
            prop_assert_eq!(excess(&seen.events, speed.units().get(), speed.per(), |_| 1), 0);
        }
        if let Some(speed) = settings.bytes {
            let (units, per) = (speed.units().get(), speed.per());
            let beat = match beat(units, per) { 0 => 0, beat => beat + longest };
            let excess = excess(&seen.events, units, per, |event| delta(event).len() as u64);
            prop_assert!(excess <= beat, "{excess} bytes beyond a beat of {beat}");
        }
        if let Some(speed) = settings.tokens {
            let (units, per) = (speed.units().get() * TWELFTHS, speed.per());
            let beat = match beat(units, per) { 0 => 0, beat => beat + TWELFTHS * 2 * longest };
            let excess = excess(&seen.events, units, per, |event| twelfths_of(&delta(event)));
            prop_assert!(excess <= beat, "{excess} twelfths of a token beyond a beat of {beat}");
        }
    }
}
