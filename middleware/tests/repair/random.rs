//! Random answers that break at random, on random targets.

use proptest::prelude::*;

use super::*;

fn words() -> impl Strategy<Value = String> {
    // Few words, so that texts repeat themselves.
    let word = prop::sample::select(vec![
        "the sky ",
        "a",
        "b ",
        "größe ",
        "\n",
        "  ",
        "天空",
        "👩\u{200d}👧",
        "1.0, ",
    ]);
    prop::collection::vec(word, 0..24).prop_map(|words| words.concat())
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![
        3 => words().prop_map(Part::text),
        1 => words().prop_map(Part::reasoning),
        1 => words().prop_map(|text| call("c1", "weather", &serde_json::json!({ "q": text }).to_string())),
    ]
}

/// An answer without empty parts, and without two texts in a row.
fn whole() -> impl Strategy<Value = Completion> {
    prop::collection::vec(part(), 1..5).prop_map(|mut parts| {
        parts.retain(
            |part| !matches!(part, Part::Text { text, .. } | Part::Reasoning { text, .. } if text.is_empty()),
        );
        parts.dedup_by(|a, b| a.as_text().is_some() && b.as_text().is_some());
        answer(parts, FinishReason::Stop)
    })
}

fn prefill() -> impl Strategy<Value = Prefill> {
    prop::sample::select(vec![Prefill::Takes, Prefill::Echoes, Prefill::Lacks, Prefill::Refuses])
}

fn breaks() -> impl Strategy<Value = Vec<(usize, Break)>> {
    prop::collection::vec((0..80_usize, prop::sample::select(Break::ALL.to_vec())), 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn w2_what_comes_out_is_the_answer_or_an_error_with_its_beginning(
        whole in whole(),
        prefill in prefill(),
        breaks in breaks(),
    ) {
        let target = Target::new(&whole, prefill, &breaks);
        let got = go(&Repair::default(), target.clone(), "Hi.");
        let all = said(&whole.choices[0].parts);
        for (i, event) in got.events.iter().enumerate() {
            if matches!(event, Event::Notice(Notice::Restart { .. })) {
                let before = said_of(&fold(&got.events[..i]));
                prop_assert!(is_beginning(&before, &all), "a splice before a restart: {before:?} of {all:?}");
            }
        }
        let out = said_of(&got.answer());
        match &got.error {
            None => prop_assert_eq!(out, all),
            Some(error) => {
                prop_assert!(is_beginning(&out, &all), "a splice: {:?} of {:?}", out, all);
                prop_assert_eq!(error.partial().cloned().unwrap_or_default(), got.answer());
                prop_assert_eq!(error.attempts() as usize, got.attempts.len());
            }
        }
        prop_assert_eq!(target.service.live(), 0);
    }
}

/// What is said, in runs of one kind.
fn said(parts: &[Part]) -> Vec<(&'static str, String)> {
    let mut runs: Vec<(&'static str, String)> = Vec::new();
    for part in parts {
        let (kind, text) = match part {
            Part::Text { text, .. } => ("text", text),
            Part::Reasoning { text, .. } => ("reasoning", text),
            Part::ToolCall { input, .. } => ("call", input),
            // No other is in these answers.
            _ => continue,
        };
        match runs.last_mut() {
            Some((last, run)) if *last == kind && kind == "text" => run.push_str(text),
            _ => runs.push((kind, text.clone())),
        }
    }
    runs
}

fn said_of(answer: &Completion) -> Vec<(&'static str, String)> {
    said(answer.choices.first().map_or(&[][..], |choice| &choice.parts))
}

fn is_beginning(part: &[(&str, String)], whole: &[(&str, String)]) -> bool {
    part.len() <= whole.len() && part.iter().zip(whole).all(|(a, b)| a.0 == b.0 && b.1.starts_with(&a.1))
}
