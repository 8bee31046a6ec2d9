//! `docs/parameters.md` is written from the table and from what the wires really send.
//!
//! `BELVEDERE_RECORD=1 cargo test -p belvedere-providers --all-features --lib capabilities` writes it anew.

#![cfg(all(
    feature = "openai",
    feature = "responses",
    feature = "anthropic",
    feature = "google",
    feature = "bedrock",
    feature = "ollama",
    feature = "cohere"
))]

use std::fmt::Write;
use std::path::Path;

use belvedere_core::message::{Part, Role};
use belvedere_core::provider::Provider;
use serde_json::Value;

use super::{
    CONTINUING, Probe, SPECIAL, Target, WIRES, continued, efforts, media, parameters, probe, said, sent,
};
use crate::capabilities::rule::{Field, Row, Rule, Thinking, Unless};
use crate::capabilities::table;

#[test]
fn f2_the_page_on_parameters_is_what_the_code_does() {
    let page = page();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/parameters.md");
    if std::env::var_os("BELVEDERE_RECORD").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "docs/parameters.md is out of date; BELVEDERE_RECORD=1 writes it");
}

const HEAD: &str = include_str!("parameters_head.md");

fn page() -> String {
    let mut page = HEAD.to_owned();
    page.push_str("\n## What is sent as what\n\nEach asked for alone, of one model for each wire.\n");
    for target in &WIRES {
        let provider = target.provider().unwrap();
        let model = target.model;
        write!(page, "\n### {}\n\nModel `{model}`.\n\n| asked | sent |\n|---|---|\n", target.wire).unwrap();
        let messages = [
            probe("messages", "a system message", said(Role::System, Part::text("Be brief."))),
            probe("messages", "a developer message", said(Role::Developer, Part::text("Be brief."))),
        ];
        for probe in parameters().iter().chain(&messages) {
            let asked = if probe.name == "reasoning.effort" { "reasoning.effort: " } else { "" };
            let shown = shown(target, &*provider, probe);
            writeln!(page, "| `{asked}{}` | {shown} |", probe.shown).unwrap();
        }
    }
    page_of_efforts(&mut page);
    page_of_media(&mut page);
    page_of_continuations(&mut page);
    page_of_rules(&mut page);
    page
}

fn page_of_efforts(page: &mut String) {
    page.push_str(
        "\n## Efforts\n\nAn effort that is missing is sent as the next that means more, or as the greatest there \
         is; `none` is never sent as another.\n\n| wire | model | none | minimal | low | medium | high | xhigh |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for target in WIRES.iter().chain(&SPECIAL) {
        let provider = target.provider().unwrap();
        let host = target.host.filter(|host| *host != "openai").map(|host| format!(" ({host})"));
        write!(page, "| {}{} | `{}` |", target.wire, host.unwrap_or_default(), target.model).unwrap();
        for probe in efforts() {
            write!(page, " {} |", effort(target, &*provider, &probe)).unwrap();
        }
        page.push('\n');
    }
}

/// What an effort is sent as, without its reason where it is not.
fn effort(target: &Target, provider: &dyn Provider, probe: &Probe) -> String {
    let shown = shown(target, provider, probe);
    if shown.starts_with('—') { "—".into() } else { shown }
}

fn page_of_media(page: &mut String) {
    page.push_str(
        "\n## Media of the user\n\n| wire | image | audio | video | file |\n|---|---|---|---|---|\n",
    );
    for target in &WIRES {
        let provider = target.provider().unwrap();
        write!(page, "| {} |", target.wire).unwrap();
        let all = media();
        for kind in all.chunks(3) {
            let taken: Vec<&str> = kind
                .iter()
                .filter(|probe| {
                    let mut request = target.plain(&*provider);
                    (probe.change)(&mut request);
                    provider.fit(&mut request).is_empty()
                })
                .filter_map(|probe| probe.shown.rsplit(' ').next())
                .collect();
            write!(page, " {} |", if taken.is_empty() { "—".to_owned() } else { taken.join(", ") }).unwrap();
        }
        page.push('\n');
    }
}

fn page_of_continuations(page: &mut String) {
    page.push_str(
        "\n## Answers gone on with\n\n`continue_final_message: true` says that the last message, the assistant's, is the \
         beginning of the answer, which goes on\nwhere it ends. The message has to end in text and to hold no call of a \
         function: behind a call comes its result. A server\nthat is not listed lacks it. What goes out behind `hi`:\n\n\
         | wire | model | sent |\n|---|---|---|\n",
    );
    for target in &CONTINUING {
        let provider = target.provider().unwrap();
        let host = target.host.map(|host| format!(" ({host})")).unwrap_or_default();
        let shown = shown(target, &*provider, &continued());
        writeln!(page, "| {}{host} | `{}` | {shown} |", target.wire, target.model).unwrap();
    }
}

fn page_of_rules(page: &mut String) {
    page.push_str(
        "\n## The table\n\nLater rows win over earlier ones. What no row names is sent. A star stands for any \
         text.\n",
    );
    let mut last = None;
    for row in table::rows() {
        if last != Some(row.wires) {
            write!(page, "\n### {}\n\n| servers | models | rules |\n|---|---|---|\n", row.wires.join(", "))
                .unwrap();
            last = Some(row.wires);
        }
        let list = |names: &[&str]| match names {
            [] => "all".to_owned(),
            names => names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" "),
        };
        let rules: Vec<String> = row.rules.iter().map(|(field, rule)| line(*field, rule)).collect();
        let Row { hosts, models, source, .. } = row;
        let (hosts, models) = (list(hosts), list(models));
        writeln!(page, "| {hosts} | {models} | {}<br>[source]({source}) |", rules.join("<br>")).unwrap();
    }
}

fn line(field: Field, rule: &Rule) -> String {
    let what = match field {
        Field::ChoiceNone => "`tool_choice: none`".to_owned(),
        Field::ChoiceRequired => "`tool_choice: required`".to_owned(),
        Field::ChoiceFunction => "`tool_choice` of a function".to_owned(),
        Field::JsonObject => "`response_format: json_object`".to_owned(),
        Field::JsonSchema => "`response_format: json_schema`".to_owned(),
        Field::Dialect => "JSON Schema".to_owned(),
        Field::Tools => "functions".to_owned(),
        Field::ProviderTools => "tools the server runs".to_owned(),
        Field::ToolMedia => "media in results".to_owned(),
        Field::SystemMedia => "media in instructions".to_owned(),
        Field::OwnMedia => "media the model wrote".to_owned(),
        Field::EmbedUser => "`user` of embeddings".to_owned(),
        Field::Speaker => "names of speakers".to_owned(),
        Field::Image => "images".to_owned(),
        Field::Audio => "audio".to_owned(),
        Field::Video => "video".to_owned(),
        Field::File => "files".to_owned(),
        field => format!("`{}`", field.name()),
    };
    format!("{what}: {}", said_of(rule))
}

fn said_of(rule: &Rule) -> String {
    let when = |thinking| match thinking {
        Thinking::Budget => "while the model thinks by a budget",
        Thinking::Asked => "while the model thinks",
    };
    match rule {
        Rule::Sent => "sent".into(),
        Rule::Lacks(reason) => format!("no, {reason}"),
        Rule::AtMost(most) => format!("at most {most}"),
        Rule::Quiet(thinking) => format!("not {}", when(*thinking)),
        Rule::Efforts(taken) => taken.iter().map(|effort| effort.as_str()).collect::<Vec<_>>().join(", "),
        Rule::Budgets(budgets) => {
            let said = |(effort, tokens): &(belvedere_core::request::Effort, u64)| {
                format!("{} as {tokens} tokens", effort.as_str())
            };
            budgets.iter().map(said).collect::<Vec<_>>().join(", ")
        }
        Rule::Thoughtless(reason) => format!("no, {reason}; `none` is what it does"),
        Rule::Adaptive => "beside adaptive thinking".into(),
        Rule::From(sources) => sources.to_string(),
        Rule::Kinds(kinds) => {
            kinds.iter().map(|kind| format!("{kind:?}").to_lowercase()).collect::<Vec<_>>().join(", ")
        }
        Rule::BehindOwn => "directly behind the item that made them".into(),
        Rule::SoundById => "sound, by the id the server gave it".into(),
        Rule::Own(kinds) => kinds.iter().map(|kind| format!("`{kind}`")).collect::<Vec<_>>().join(" "),
        Rule::Number(n) => {
            let mut text = format!("{} to {}", n.min, n.max);
            if let Some(other) = n.not_with {
                write!(text, ", not beside `{}`", other.name()).unwrap();
            }
            if let Some((thinking, min, max)) = n.thinking {
                write!(text, ", {min} to {max} {}", when(thinking)).unwrap();
            }
            text
        }
        Rule::Continues(unless) => {
            let asked = |unless: &Unless| match unless {
                Unless::Thinks(Thinking::Budget) => "the model thinks by a budget",
                Unless::Thinks(Thinking::Asked) => "the model thinks",
                Unless::JsonObject => "a JSON object is asked for",
                Unless::JsonSchema => "a schema is asked for",
            };
            match unless.iter().map(asked).collect::<Vec<_>>().join(" or ") {
                all if all.is_empty() => "sent".into(),
                all => format!("not while {all}"),
            }
        }
        Rule::Dialect(dialect) => {
            let mut text = if dialect.always { String::new() } else { "where it is `strict`, ".into() };
            write!(text, "without {}", dialect.lacks.join(" ")).unwrap();
            if let Some(most) = dialect.min_items {
                write!(text, ", `minItems` up to {most}").unwrap();
            }
            if !dialect.formats.is_empty() {
                write!(text, "; formats of strings: {}", dialect.formats.join(" ")).unwrap();
            }
            text
        }
    }
}

/// What a probe changes of what goes out, or why it does not.
fn shown(target: &Target, provider: &dyn Provider, probe: &Probe) -> String {
    let plain = target.plain(provider);
    let mut asked = plain.clone();
    (probe.change)(&mut asked);
    let lacks = provider.fit(&mut asked);
    if let Some(lack) = lacks.first() {
        return format!("— {}", lack.reason);
    }
    let (plain, asked) = (sent(provider, &plain).1, sent(provider, &asked).1);
    let mut changes = Vec::new();
    changed("", &plain, &asked, &mut changes);
    match changes.is_empty() {
        true => "as it is".into(),
        false => changes.join("<br>"),
    }
}

fn changed(path: &str, before: &Value, after: &Value, changes: &mut Vec<String>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match (before, after) {
        (before, after) if before == after => {}
        (Value::Object(before), Value::Object(after)) => {
            for (name, value) in after {
                changed(&below(name), before.get(name).unwrap_or(&Value::Null), value, changes);
            }
            for name in before.keys().filter(|name| !after.contains_key(*name)) {
                changes.push(format!("`{}` left out", below(name)));
            }
        }
        (Value::Null, Value::Object(after)) if path.is_empty() || !after.is_empty() && after.len() < 2 => {
            for (name, value) in after {
                changed(&below(name), &Value::Null, value, changes);
            }
        }
        (Value::Array(before), Value::Array(after)) if after.len() >= before.len() => {
            for (i, value) in after.iter().enumerate() {
                changed(&format!("{path}[{i}]"), before.get(i).unwrap_or(&Value::Null), value, changes);
            }
        }
        (_, after) => changes.push(format!("`{path}: {after}`")),
    }
}
