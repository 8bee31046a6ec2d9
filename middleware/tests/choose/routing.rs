//! How well the analyser tells prompts that a weak model fails from those it can answer.
//!
//! The prompts are benchmark questions with the verdicts of a weak and a strong model
//! (<https://github.com/lm-sys/RouteLLM>, Apache-2.0). They are not part of this repository: where they are absent, the
//! test says so and passes.

use belvedere_middleware::choose::Complexity;
use serde::Deserialize;

const ROWS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/fixtures/routing/rows.jsonl");

#[derive(Deserialize)]
struct Row {
    prompt: String,
    weak_ok: bool,
    strong_ok: bool,
}

/// A prompt's score, and whether the weak and the strong model were right.
type Scored = (f64, bool, bool);

/// The chance that a prompt the weak model fails has a higher score than one it can answer: 0.5 by chance.
fn area(rows: &[Scored]) -> f64 {
    let (can, fails): (Vec<&Scored>, Vec<&Scored>) = rows.iter().partition(|row| row.1);
    let above = |a: &Scored, b: &Scored| if a.0 == b.0 { 0.5 } else { f64::from(u8::from(a.0 > b.0)) };
    let wins: f64 = fails.iter().flat_map(|a| can.iter().map(move |b| above(a, b))).sum();
    wins / (can.len() * fails.len()) as f64
}

/// How much of the gap between the two models is won by asking the strong one for each share of the prompts, the
/// hardest first: the mean over all shares (RouteLLM's APGR, 0.5 by chance), and the share that wins half of it.
fn recovered(rows: &[Scored]) -> (f64, f64) {
    let mut rows = rows.to_vec();
    rows.sort_by(|a, b| b.0.total_cmp(&a.0));
    let right = |ok: fn(&Scored) -> bool| rows.iter().filter(|row| ok(row)).count() as f64;
    let (weak, strong) = (right(|row| row.1), right(|row| row.2));
    let (mut won, mut sum, mut half) = (0.0, 0.0, None);
    for (asked, row) in rows.iter().enumerate() {
        let before = won;
        won += (f64::from(u8::from(row.2)) - f64::from(u8::from(row.1))) / (strong - weak);
        sum += f64::midpoint(before, won);
        half = half.or((won >= 0.5).then_some((asked + 1) as f64 / rows.len() as f64));
    }
    (sum / rows.len() as f64, half.unwrap_or(1.0))
}

#[test]
fn it_tells_hard_prompts_from_easy_ones_better_than_chance() {
    let Ok(text) = std::fs::read_to_string(ROWS) else {
        println!("the routing prompts are not there; nothing is measured");
        return;
    };
    let rows: Vec<Scored> = text
        .lines()
        .map(|line| serde_json::from_str::<Row>(line).unwrap())
        .map(|row| (Complexity::of(&row.prompt.as_str().into()).score, row.weak_ok, row.strong_ok))
        .collect();
    let (area, (gap, half)) = (area(&rows), recovered(&rows));
    let mut scores: Vec<f64> = rows.iter().map(|row| row.0).collect();
    scores.sort_by(f64::total_cmp);
    let share = |at: f64| scores[(at * scores.len() as f64) as usize];
    println!(
        "{} prompts: AUC {area:.3}, gap recovered {gap:.3} (0.5 by chance), half of it with {:.0}% of calls to the strong \
         model; scores: 10% below {:.2}, 50% below {:.2}, 90% below {:.2}",
        rows.len(),
        half * 100.0,
        share(0.1),
        share(0.5),
        share(0.9)
    );
    assert!(area > 0.64 && gap > 0.5 && half < 0.5, "{area} {gap} {half}");
}

#[test]
fn the_measures_are_right_where_the_answer_is_known() {
    let perfect = [(0.9, false, true), (0.8, false, true), (0.2, true, true), (0.1, true, true)];
    assert_eq!((area(&perfect), recovered(&perfect)), (1.0, (0.75, 0.25)));
    let reversed: Vec<Scored> = perfect.iter().map(|row| (1.0 - row.0, row.1, row.2)).collect();
    assert_eq!((area(&reversed), recovered(&reversed)), (0.0, (0.25, 0.75)));
}
