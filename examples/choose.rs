//! The model of a request by its complexity, and an experiment that finds out whether the cheaper one will do.
//!
//! `cargo run --example choose` runs offline: scripted providers answer.

use std::error::Error;

use belvedere::client::Client;
use belvedere::middleware::choose::{Choose, Complexity, Experiment};
use belvedere::request::Scope;
use belvedere::testing::{Answer, ScriptedService, Simulation};
use belvedere::{Request, Result};

const QUESTIONS: [&str; 4] = [
    "What is the capital of France?",
    "3 pipes fill a tank of 1200 l at 4, 5 and 7 l/min. After 20 min, 2 of them are closed. When is it full?",
    "Why does this panic?\n```rust\nlet a = [1, 2];\nprintln!(\"{}\", a[i + 2]);\n```",
    "フランスの首都はどこですか？",
];

fn main() -> std::result::Result<(), Box<dyn Error>> {
    let simulation = Simulation::new(1);
    let provider = ScriptedService::always(Answer::text("an answer"));

    let choose: Choose = serde_json::from_str(
        r#"{"rules": [
            {"task": "code", "preferred": "large-coder"},
            {"complexity_threshold": 0.3, "preferred": "small", "fallback": "large"}
        ]}"#,
    )?;
    let client = Client::new(provider.clone(), simulation.lent()).layer(choose);
    for question in QUESTIONS {
        let answer = simulation.run(client.complete(question))?;
        let model = answer.attempts.first().and_then(|attempt| attempt.model.clone()).unwrap_or_default();
        let complexity = Complexity::of(&question.into());
        let said = complexity.contributions().into_iter().filter(|(_, part)| *part >= 0.03);
        let why: Vec<String> = said.map(|(name, part)| format!("{name} {part:.2}")).collect();
        println!(
            "{:.2} -> {model:<12} {:.42}  [{}]",
            complexity.score,
            question.replace('\n', " "),
            why.join(", ")
        );
    }

    let choose = Choose::default().with_experiment(Experiment::new("small-or-large", ["large", "small"]));
    let client = Client::new(provider, simulation.lent()).layer(choose.clone());
    simulation.run(experiment(&client, &choose))?;
    let report = choose.report().ok_or("there is an experiment")?;
    println!("\nexperiment {}:", report.experiment);
    for arm in report.arms {
        let against = arm.against_first.and_then(|other| other.score).map(|p| format!(", p = {p:.0e}"));
        println!(
            "  {:<6} {} calls, mean score {:.2}{}",
            arm.model,
            arm.calls,
            arm.score.mean,
            against.unwrap_or_default()
        );
    }
    Ok(())
}

/// A thousand users ask; those of the small model like one answer in five less.
async fn experiment(client: &Client, choose: &Choose) -> Result<()> {
    for i in 0..1_000_u32 {
        let mut scope = Scope::default();
        scope.user = Some(format!("user {i}").into());
        let answer = client.complete(Request::from("hi").with_scope(scope.clone())).await?;
        let is_small = answer.attempts.iter().any(|attempt| attempt.model.as_deref() == Some("small"));
        choose.record(&scope, if is_small && i % 5 == 0 { 0.0 } else { 1.0 });
    }
    Ok(())
}
