#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::message::{Media, MediaKind};
use crate::testing::run;
use crate::usage::Class;

fn start() -> Event {
    Event::Start { id: Some("a-1".into()), model: Some("m".into()) }
}

fn text(part: u32, delta: &str) -> Event {
    Event::Text { choice: 0, part, delta: delta.into() }
}

fn end(part: u32) -> Event {
    Event::PartEnd { choice: 0, part }
}

fn finish(choice: u32) -> Event {
    let finish = Finish { reason: Some(FinishReason::Stop), ..Finish::default() };
    Event::Finish { choice, finish }
}

fn fold(events: &[Event]) -> Completion {
    let mut fold = Fold::default();
    events.iter().for_each(|event| fold.event(event));
    fold.into_completion()
}

fn usage(class: Class, count: u64) -> Usage {
    let mut usage = Usage::default();
    usage.set(class, Some(count));
    usage
}

#[test]
fn embeddings_stand_by_their_index_however_they_came() {
    let mut fold = Fold::default();
    fold.event(&Event::Start { id: None, model: None });
    for index in [2, 0, 1] {
        fold.event(&Event::Embedding { index, vector: [f64::from(index)].into() });
    }
    let indices: Vec<u32> = fold.completion().embeddings.iter().map(|e| e.index).collect();
    assert_eq!(indices, [0, 1, 2]);
}

#[test]
fn deltas_append_to_their_part_and_usage_replaces() {
    let first = Event::Usage(Arc::new(usage(Class::Input, 3)));
    let last = Event::Usage(Arc::new(usage(Class::Output, 5)));
    let c =
        fold(&[start(), text(0, "a"), text(1, "x"), first, text(0, "b"), end(0), end(1), last, finish(0)]);
    assert_eq!(c.choices[0].parts, [Part::text("ab"), Part::text("x")]);
    assert_eq!(c.text(), "abx");
    assert_eq!(c.usage, Some(Arc::new(usage(Class::Output, 5))));
    assert_eq!((c.id.as_deref(), c.finish_reason()), (Some("a-1"), Some(FinishReason::Stop)));
}

#[test]
fn parts_stand_in_the_order_they_were_opened_whatever_their_numbers() {
    let c = fold(&[start(), text(7, "first"), text(2, "second"), text(7, "!"), end(7), end(2), finish(0)]);
    assert_eq!(c.choices[0].parts, [Part::text("first!"), Part::text("second")]);
}

#[test]
fn choices_stand_by_index_and_do_not_mix() {
    let of = |choice, delta: &str| Event::Text { choice, part: 0, delta: delta.into() };
    let c = fold(&[start(), of(2, "c"), of(0, "a"), of(2, "C"), finish(2), finish(0)]);
    let found: Vec<_> = c.choices.iter().map(|c| (c.index, c.parts[0].as_text().unwrap())).collect();
    assert_eq!(found, [(0, "a"), (2, "cC")]);
}

#[test]
fn w2_a_restart_voids_the_answer_and_keeps_what_the_pipeline_did() {
    let restart = Notice::Restart { reason: "cut".into() };
    let raw = Event::Raw { name: None, data: Bytes::from_static(b"frame") };
    let void = Event::Usage(Arc::new(usage(Class::Output, 9)));
    let again = Event::Start { id: Some("a-2".into()), model: None };
    let c = fold(&[
        start(),
        raw,
        text(0, "void"),
        void,
        Event::Notice(restart.clone()),
        again,
        text(0, "whole"),
        end(0),
        finish(0),
    ]);
    assert_eq!(c.choices[0].parts, [Part::text("whole")]);
    assert_eq!((c.id.as_deref(), c.model.as_deref()), (Some("a-2"), None));
    assert_eq!((c.notices.as_slice(), c.raw.len(), c.usage.as_ref()), (&[restart][..], 1, None));
    assert_eq!(run(c.clone().into_events().collect()).unwrap(), c);
}

#[test]
fn chunks_of_a_medium_append_their_bytes() {
    let chunk = |data: &'static [u8]| {
        let source = MediaSource::Data { mime: "audio/wav".into(), data: Bytes::from_static(data) };
        Event::Media { choice: 0, part: 0, media: Box::new(Media::new(MediaKind::Audio, source)) }
    };
    let c = fold(&[start(), chunk(b"ab"), chunk(b""), chunk(b"cd"), end(0), finish(0)]);
    let source = MediaSource::Data { mime: "audio/wav".into(), data: Bytes::from_static(b"abcd") };
    assert_eq!(c.choices[0].parts, [Part::Media(Media::new(MediaKind::Audio, source))]);
}

#[test]
fn a_signature_belongs_to_its_reasoning_also_when_it_stands_alone() {
    let signature = |part, delta: &str| Event::Signature {
        choice: 0,
        part,
        delta: delta.into(),
        wire: "openai.responses".into(),
    };
    let thought = Event::Reasoning { choice: 0, part: 0, delta: "hm".into() };
    let c = fold(&[
        start(),
        thought,
        signature(0, "s1"),
        signature(0, "s2"),
        end(0),
        signature(1, "alone"),
        end(1),
    ]);
    let reasoning = |text: &str, s: &str| Part::Reasoning {
        text: text.into(),
        signature: Some(s.into()),
        wire: "openai.responses".into(),
        extra: Map::new(),
    };
    assert_eq!(c.choices[0].parts, [reasoning("hm", "s1s2"), reasoning("", "alone")]);
    assert_eq!(c.reasoning().as_deref(), Some("hm"));
}

/// Every way to merge the fragments of three calls; each call's own stay in order.
fn interleavings(left: [usize; 3], so_far: &mut Vec<usize>, each: &mut dyn FnMut(&[usize])) {
    if left == [0; 3] {
        return each(so_far);
    }
    for call in 0..3 {
        if left[call] > 0 {
            let mut rest = left;
            rest[call] -= 1;
            so_far.push(call);
            interleavings(rest, so_far, each);
            so_far.pop();
        }
    }
}

#[test]
fn s13_interleaved_tool_calls_do_not_mix() {
    let calls = [["{\"a\"", ":", "1", "}"], ["{\"b\"", ":", "2", "}"], ["{\"c\"", ":", "3", "}"]];
    let whole = ["{\"a\":1}", "{\"b\":2}", "{\"c\":3}"];
    let mut orders = 0;
    interleavings([4; 3], &mut Vec::new(), &mut |order| {
        orders += 1;
        let mut fold = Fold::default();
        fold.event(&start());
        let mut at = [0; 3];
        for &call in order {
            let part = u32::try_from(call).unwrap();
            if at[call] == 0 {
                let name = SmolStr::from(whole[call]);
                fold.event(&Event::ToolStart { choice: 0, part, id: name.clone(), name, by: ToolBy::Client });
            }
            fold.event(&Event::ToolInput { choice: 0, part, delta: calls[call][at[call]].into() });
            at[call] += 1;
        }
        let c = fold.into_completion();
        assert_eq!(c.tool_calls().count(), 3);
        assert!(c.tool_calls().all(|call| call.id == call.input), "{order:?}: {c:?}");
    });
    assert_eq!(orders, 34_650, "12! / (4!)^3");
}

#[test]
fn an_answer_of_one_text_comes_back_from_its_events() {
    let c = Completion::of_text("hello");
    assert_eq!(run(c.clone().into_events().collect()).unwrap(), c);
}

#[cfg(not(target_arch = "wasm32"))]
mod properties {
    use std::collections::VecDeque;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::usage::Reported;

    /// What a part is made of.
    #[derive(Debug, Clone)]
    enum Draw {
        Text(Vec<String>),
        Reasoning(Vec<String>, Vec<String>),
        Refusal(Vec<String>),
        Tool(String, Vec<String>, bool),
        /// A tool call with further fields, which come in two events.
        Extra(String, i32),
        Media(Vec<Vec<u8>>),
        Link(String),
        Opaque(i32),
    }

    fn deltas() -> impl Strategy<Value = Vec<String>> {
        prop::collection::vec("\\PC{0,30}", 0..4)
    }

    fn draw() -> impl Strategy<Value = Draw> {
        prop_oneof![
            deltas().prop_map(Draw::Text),
            (deltas(), deltas()).prop_map(|(text, signature)| Draw::Reasoning(text, signature)),
            deltas().prop_map(Draw::Refusal),
            ("[a-z_]{1,9}", deltas(), any::<bool>())
                .prop_map(|(name, input, own)| Draw::Tool(name, input, own)),
            ("[a-z_]{1,9}", any::<i32>()).prop_map(|(name, n)| Draw::Extra(name, n)),
            prop::collection::vec(any::<Vec<u8>>(), 1..3).prop_map(Draw::Media),
            "[a-z]{1,9}".prop_map(Draw::Link),
            any::<i32>().prop_map(Draw::Opaque),
        ]
    }

    /// The events of a part. A part without a delta has nothing to open it, and none to close it.
    fn part_events(choice: u32, part: u32, draw: Draw) -> VecDeque<Event> {
        let media =
            |source| Event::Media { choice, part, media: Box::new(Media::new(MediaKind::Image, source)) };
        let mut out: VecDeque<Event> = match draw {
            Draw::Text(d) => d.into_iter().map(|d| Event::Text { choice, part, delta: d.into() }).collect(),
            Draw::Refusal(d) => {
                d.into_iter().map(|d| Event::Refusal { choice, part, delta: d.into() }).collect()
            }
            Draw::Reasoning(text, signature) => {
                let text = text.into_iter().map(|d| Event::Reasoning { choice, part, delta: d.into() });
                let signed = signature.into_iter().map(|d| Event::Signature {
                    choice,
                    part,
                    delta: d.into(),
                    wire: "w".into(),
                });
                text.chain(signed).collect()
            }
            Draw::Tool(name, input, own) => {
                let by = if own { ToolBy::Provider } else { ToolBy::Client };
                let id = format!("call-{part}").into();
                let began = Event::ToolStart { choice, part, id, name: name.into(), by };
                let input = input.into_iter().map(|d| Event::ToolInput { choice, part, delta: d.into() });
                std::iter::once(began).chain(input).collect()
            }
            Draw::Extra(name, n) => {
                let began =
                    Event::ToolStart { choice, part, id: "".into(), name: name.into(), by: ToolBy::Client };
                let field = |name: &str| {
                    let extra = Box::new(Map::from_iter([(name.to_owned(), json!(n))]));
                    Event::Extra { choice, part, extra }
                };
                VecDeque::from([began, field("caller"), field("google.generate")])
            }
            Draw::Media(chunks) => {
                let data = |d: Vec<u8>| MediaSource::Data { mime: "image/png".into(), data: d.into() };
                chunks.into_iter().map(|d| media(data(d))).collect()
            }
            Draw::Link(host) => VecDeque::from([media(MediaSource::Url(format!("https://{host}.example/")))]),
            Draw::Opaque(n) => VecDeque::from([Event::Opaque {
                choice,
                part,
                kind: "kept".into(),
                data: Box::new(json!({ "n": n })),
                wire: "ollama.chat".into(),
            }]),
        };
        if !out.is_empty() {
            out.push_back(Event::PartEnd { choice, part });
        }
        out
    }

    /// What stands beside the parts.
    #[derive(Debug, Clone)]
    struct Beside {
        notice: Option<String>,
        raw: Option<Vec<u8>>,
        source: Option<String>,
        logprob: Option<i32>,
        embedding: Option<Vec<i16>>,
        usage: Option<(u64, u64)>,
        reason: Option<FinishReason>,
    }

    fn beside() -> impl Strategy<Value = Beside> {
        let reason =
            prop_oneof![Just(FinishReason::Stop), Just(FinishReason::Length), Just(FinishReason::Other)];
        (
            prop::option::of("[a-z ]{0,9}"),
            any::<Option<Vec<u8>>>(),
            prop::option::of("[a-z]{1,9}"),
            any::<Option<i32>>(),
            any::<Option<Vec<i16>>>(),
            prop::option::of((0_u64..1 << 40, 0_u64..1 << 40)),
            prop::option::of(reason),
        )
            .prop_map(|(notice, raw, source, logprob, embedding, usage, reason)| Beside {
                notice,
                raw,
                source,
                logprob,
                embedding,
                usage,
                reason,
            })
    }

    fn beside_events(beside: &Beside) -> Vec<Event> {
        let mut out = Vec::new();
        let layer = |message| Event::Notice(Notice::Layer { layer: "test".into(), message });
        out.extend(beside.notice.clone().map(layer));
        out.extend(beside.raw.clone().map(|data| Event::Raw { name: None, data: data.into() }));
        out.extend(beside.source.clone().map(|url| {
            let source = Source { url: Some(url), part: Some(0), ..Source::default() };
            Event::Source { choice: 0, source: Box::new(source) }
        }));
        out.extend(beside.logprob.map(|n| Event::Logprobs { choice: 0, data: Box::new(json!([n])) }));
        out.extend(beside.embedding.clone().map(|v| {
            let vector = v.into_iter().map(f64::from).collect();
            Event::Embedding { index: 0, vector }
        }));
        out.extend(beside.usage.map(|(read, written)| {
            let mut usage = usage(Class::Input, read);
            usage.set(Class::Other("video_output".into()), Some(written));
            usage.reported = Some(Reported { total_tokens: Some(read + written), ..Reported::default() });
            Event::Usage(Arc::new(usage))
        }));
        out
    }

    /// A lawful stream: parts of two choices merged by `picks`, the rest in between, then the ends.
    fn stream(parts: Vec<(bool, Draw)>, picks: &[u8], beside: &Beside) -> Vec<Event> {
        let queues = parts
            .into_iter()
            .enumerate()
            .map(|(n, (second, draw))| part_events(u32::from(second), u32::try_from(n).unwrap(), draw));
        let mut queues: Vec<_> =
            queues.chain([beside_events(beside).into()]).filter(|q| !q.is_empty()).collect();
        let mut events = vec![start()];
        let mut picks = picks.iter().cycle();
        while !queues.is_empty() {
            let at = usize::from(*picks.next().unwrap()) % queues.len();
            events.extend(queues[at].pop_front());
            queues.retain(|q| !q.is_empty());
        }
        let finish = Finish { reason: beside.reason, raw: Some("raw".into()), stop_sequence: None };
        events.extend([0, 1].map(|choice| Event::Finish { choice, finish: finish.clone() }));
        events
    }

    proptest! {
        #[test]
        fn w2_an_answer_comes_back_from_its_events(
            parts in prop::collection::vec((any::<bool>(), draw()), 0..6),
            picks in prop::collection::vec(any::<u8>(), 1..40),
            beside in beside(),
            restart in any::<Option<u8>>(),
        ) {
            let mut events = stream(parts, &picks, &beside);
            if let Some(after) = restart {
                // An attempt that was given up stands before the whole one.
                let void: Vec<_> = events.iter().take(usize::from(after) % events.len()).cloned().collect();
                let notice = Event::Notice(Notice::Restart { reason: "cut".into() });
                events = [void, vec![notice], events].concat();
            }
            let once = run(Events::from_events(events.clone()).collect()).unwrap();
            let twice = run(once.clone().into_events().collect()).unwrap();
            prop_assert_eq!(&twice, &once);
            let json = serde_json::to_string(&once).unwrap();
            prop_assert_eq!(serde_json::from_str::<Completion>(&json).unwrap(), once);
        }
    }
}
