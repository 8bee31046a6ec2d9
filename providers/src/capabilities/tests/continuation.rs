//! Which beginning of an answer is gone on with, and by whom.

use std::sync::Arc;

use belvedere_core::message::{Message, Part, Role, ToolBy};
use belvedere_core::request::{Effort, Request, ResponseFormat, Schema};
use serde_json::{Value, json};

use super::{CONTINUING, Target, budget, continued, effort_of, sent, target};
use crate::capabilities::rule::{Field, Rule};
use crate::capabilities::table;
use crate::openai::hosts::{HOSTS, Prefill};

/// What a target lacks of a request, and the request without it.
fn fitted(target: &Target, change: impl Fn(&mut Request)) -> Option<(String, Request)> {
    let provider = target.provider()?;
    let mut request = Request::from("hi").with_model(target.model);
    change(&mut request);
    let lacks = provider.fit(&mut request);
    let lacks: Vec<_> = lacks.iter().map(|lack| format!("{}: {}", lack.parameter, lack.reason)).collect();
    Some((lacks.join("; "), request))
}

fn says(target: &Target, messages: &[Message], change: impl Fn(&mut Request)) -> Option<String> {
    let (lacks, request) = fitted(target, |request| {
        request.messages = Arc::new(messages.to_vec());
        request.continue_final_message = true;
        change(request);
    })?;
    assert_eq!(request.continue_final_message, lacks.is_empty(), "what is lacking is not asked for any more");
    Some(lacks)
}

#[test]
fn f2_an_answer_is_gone_on_with_or_the_target_is_said_to_lack_it() {
    for target in &CONTINUING {
        let Some(provider) = target.provider() else { continue };
        let (lacks, request) = fitted(target, |request| (continued().change)(request)).unwrap();
        assert_eq!(request.continue_final_message, lacks.is_empty(), "{}: {lacks}", target.name());
        let mut plain = request.clone();
        plain.continue_final_message = false;
        let (asked, plain) = (sent(&*provider, &request), sent(&*provider, &plain));
        // Where there is a word for it, it is said; elsewhere a last message of the assistant's says it all.
        let has_word = target
            .host
            .and_then(crate::openai::hosts::find)
            .is_some_and(|host| matches!(host.prefill, Prefill::Mark(_) | Prefill::Switches(_)));
        assert_eq!(asked != plain, lacks.is_empty() && has_word, "{}", target.name());
        if lacks.is_empty() {
            assert!(asked.1.to_string().contains("Hello, I"), "{}", target.name());
        }
    }
}

#[test]
fn every_server_that_goes_on_has_a_source_and_every_other_lacks_it() {
    for host in HOSTS {
        let sourced = table::rows().any(|row| {
            row.hosts.contains(&host.name) && row.rules.iter().any(|(field, _)| *field == Field::Continue)
        });
        assert_eq!(host.prefill != Prefill::Never, sourced, "{}", host.name);
        let rules = table::of_host("openai.chat", host, "some-model");
        let lacks = matches!(rules.get(Field::Continue), Rule::Lacks(_));
        // Alibaba goes on with its own models only.
        assert_eq!(lacks, host.prefill == Prefill::Never || host.name == "alibaba", "{}", host.name);
    }
    for wire in [
        "anthropic.messages",
        "bedrock.converse",
        "google.generate",
        "ollama.chat",
        "ollama.generate",
        "cohere.chat",
        "openai.responses",
    ] {
        let rules = crate::capabilities::rule::Rules::new(wire).with_rows(wire, "some-model");
        assert_ne!(*rules.get(Field::Continue), Rule::Sent, "{wire}: nobody says what it does");
    }
}

#[test]
fn only_an_assistants_message_that_ends_in_text_is_begun() {
    let call = |by| Part::ToolCall {
        id: "c".into(),
        name: "f".into(),
        input: "{}".into(),
        by,
        extra: Default::default(),
    };
    let said = |parts: Vec<Part>| vec![Message::user("hi"), Message::new(Role::Assistant, parts)];
    let groq = target("openai.chat", Some("groq"), "llama-3.3-70b-versatile");
    let claude = target("anthropic.messages", None, "claude-haiku-4-5");
    let lacking = |why: &str| format!("continue_final_message: {why}");
    for target in [&groq, &claude] {
        let says = |messages: Vec<Message>| says(target, &messages, |_| {}).unwrap();
        assert_eq!(says(said(vec![Part::text("Hello")])), "");
        assert_eq!(says(said(vec![Part::reasoning("Hm"), Part::text("Hello"), Part::text("")])), "");
        assert_eq!(says(said(vec![call(ToolBy::Provider), Part::text("Hello")])), "");
        let behind = lacking("behind a call of a tool comes its result");
        assert_eq!(says(said(vec![Part::text("Hello"), call(ToolBy::Client)])), behind);
        assert_eq!(says(said(vec![call(ToolBy::Client), Part::text("Hello")])), behind);
        let open = lacking("the last message does not end in text");
        for parts in [vec![], vec![Part::text(" \n")], vec![Part::text("Hello"), Part::reasoning("Hm")]] {
            assert_eq!(says(said(parts)), open);
        }
        let other = lacking("the last message is not the assistant's");
        assert_eq!(says(vec![Message::user("hi")]), other);
        assert_eq!(says(vec![Message::user("hi"), Message::assistant("a"), Message::tool("c", "r")]), other);
        assert_eq!(says(vec![]), other);
    }
}

#[test]
fn what_stands_against_it_is_said() {
    let begun = [Message::user("hi"), Message::assistant("Hello, I")];
    let thinks = |request: &mut Request| request.reasoning = Some(effort_of(Effort::High));
    let object = |request: &mut Request| request.response_format = Some(ResponseFormat::JsonObject);
    let schema = |request: &mut Request| {
        let json_schema = Schema::new("a", json!({"type": "object", "additionalProperties": false}));
        request.response_format = Some(ResponseFormat::JsonSchema { json_schema });
    };
    let no_thinking = "continue_final_message: not while the model thinks";
    let beside = |format| {
        format!(
            "continue_final_message: the target does not take it together with a response_format of {format}"
        )
    };
    let claude = target("anthropic.messages", None, "claude-haiku-4-5");
    assert_eq!(says(&claude, &begun, thinks).unwrap(), no_thinking, "its efforts are budgets");
    let claude = target("anthropic.messages", None, "claude-opus-4-5");
    assert_eq!(says(&claude, &begun, thinks).unwrap(), "", "its efforts are those of the answer");
    let by_budget = |request: &mut Request| request.reasoning = Some(budget(2048));
    assert_eq!(says(&claude, &begun, by_budget).unwrap(), no_thinking);
    assert_eq!(says(&claude, &begun, schema).unwrap(), beside("json_schema"));
    let off = |request: &mut Request| request.reasoning = Some(effort_of(Effort::None));
    assert_eq!(says(&claude, &begun, off).unwrap(), "");
    let converse = target("bedrock.converse", None, "anthropic.claude-haiku-4-5-20251001-v1:0");
    assert_eq!(says(&converse, &begun, thinks).unwrap(), no_thinking);
    let qwen = target("openai.chat", Some("alibaba"), "qwen-plus");
    assert_eq!(says(&qwen, &begun, thinks).unwrap(), no_thinking);
    let kimi = target("openai.chat", Some("moonshot"), "kimi-k2.5");
    assert_eq!(says(&kimi, &begun, object).unwrap(), beside("json_object"));
    assert_eq!(says(&kimi, &begun, schema).unwrap(), "");
    let llama = target("openai.chat", Some("llama_cpp"), "m");
    assert_eq!(says(&llama, &begun, thinks).unwrap(), no_thinking);
    let mistral = target("openai.chat", Some("mistral"), "mistral-large-latest");
    for change in [&thinks as &dyn Fn(&mut Request), &object, &schema] {
        assert_eq!(says(&mistral, &begun, change).unwrap(), "");
    }
}

#[test]
fn embeddings_have_nothing_to_go_on_with() {
    let (lacks, request) = fitted(&target("openai.chat", Some("vllm"), "m"), |request| {
        *request = Request::embed(["hi"]);
        request.continue_final_message = true;
    })
    .unwrap();
    assert_eq!(lacks, "continue_final_message: embeddings do not have it");
    let body: Value =
        sent(&*target("openai.chat", Some("vllm"), "m").provider().unwrap(), &request.with_model("m")).1;
    assert!(body.get("continue_final_message").is_none(), "{body}");
}
