//! Each parameter, and each tool that a provider runs, on every wire.

use std::sync::Arc;

use belvedere_core::provider::Lack;
use belvedere_core::request::{Request, Tool};
use serde_json::{Value, json};

use super::{effort_of, efforts, hold, parameters, probe, sent, targets};

#[test]
fn f2_each_parameter_on_each_wire_is_sent_or_named_and_never_silently_gone() {
    for (target, provider) in targets() {
        for probe in parameters() {
            let lacks = hold(target, &*provider, &probe);
            if lacks.is_empty() || probe.shown.contains("top_logprobs") {
                continue;
            }
            // What is named is not sent as well.
            let mut asked = target.plain(&*provider);
            let plain = sent(&*provider, &asked);
            (probe.change)(&mut asked);
            provider.fit(&mut asked);
            assert_eq!(sent(&*provider, &asked), plain, "{}: {}", target.name(), probe.shown);
        }
        hold(
            target,
            &*provider,
            &probe("service_tier", "a further field", |r| {
                r.extra.insert("service_tier".into(), json!("flex"));
            }),
        );
    }
}

#[test]
fn f2_what_asks_for_nothing_is_neither_refused_nor_noted() {
    for (target, provider) in targets() {
        let mut request = target.plain(&*provider);
        let plain = sent(&*provider, &request);
        (request.n, request.presence_penalty, request.frequency_penalty) = (Some(1), Some(0.0), Some(0.0));
        (request.logprobs, request.parallel_tool_calls) = (Some(false), Some(true));
        request.temperature = Some(1.0);
        assert_eq!(provider.fit(&mut request), [], "{}", target.name());
        let _ = plain;
        sent(&*provider, &request);
    }
}

#[test]
fn f2_every_effort_is_sent_as_one_the_target_has_or_named() {
    for (target, provider) in targets() {
        let mut last: Option<usize> = None;
        for probe in efforts().skip(1) {
            let mut request = target.plain(&*provider);
            (probe.change)(&mut request);
            provider.fit(&mut request);
            let effort = request.reasoning.as_ref().and_then(|reasoning| reasoning.effort);
            let rank =
                effort.and_then(|e| crate::capabilities::parameters::EFFORTS.iter().position(|o| *o == e));
            assert!(rank >= last, "{}: more effort is never sent as less", target.name());
            last = rank;
        }
    }
}

/// Tools that servers run, by the wire whose servers run them.
fn own_tools() -> [(&'static str, Value); 5] {
    [
        ("openai.chat", json!({ "type": "openrouter:web_search" })),
        ("openai.responses", json!({ "type": "web_search_preview" })),
        ("openai.responses", json!({ "type": "code_interpreter", "container": { "type": "auto" } })),
        ("anthropic.messages", json!({ "type": "web_search_20250305", "name": "web_search", "max_uses": 2 })),
        ("google.generate", json!({ "googleSearch": {} })),
    ]
}

#[test]
fn f1_tools_of_a_provider_go_to_servers_that_run_them_and_are_named_elsewhere() {
    for (target, provider) in targets() {
        for (wire, tool) in own_tools() {
            let Value::Object(own) = tool.clone() else { unreachable!() };
            let mut request = target.plain(&*provider);
            let before = request.tools.len();
            Arc::make_mut(&mut request.tools).push(Tool::Provider(own));
            let lacks = provider.fit(&mut request);
            let runs_it = (target.wire == wire
                || target.wire == "bedrock.invoke.anthropic" && wire == "anthropic.messages")
                && (wire != "openai.chat" || target.host == Some("openrouter"))
                || target.host == Some("groq") && tool["type"] == "code_interpreter";
            if runs_it {
                assert_eq!((lacks.len(), request.tools.len()), (0, before + 1), "{} {tool}", target.name());
                let body = sent(&*provider, &request).1.to_string();
                let kind = tool["type"].as_str().unwrap_or("googleSearch");
                assert!(body.contains(kind), "{} {tool}: {body}", target.name());
            } else {
                let names: Vec<_> = lacks.iter().map(|lack| lack.parameter.as_str()).collect();
                assert_eq!(names, [format!("tools[{before}]")], "{} {tool}", target.name());
                assert_eq!(request.tools.len(), before);
            }
        }
    }
}

#[test]
fn f1_a_tool_that_nobody_is_known_to_run_is_the_servers_business() {
    let tool = json!({ "type": "brand_new_tool", "level": 3 });
    for (target, provider) in targets() {
        if matches!(target.wire, "ollama.chat" | "ollama.generate" | "cohere.chat" | "bedrock.converse") {
            continue;
        }
        let Value::Object(own) = tool.clone() else { unreachable!() };
        let mut request = target.plain(&*provider);
        Arc::make_mut(&mut request.tools).push(Tool::Provider(own));
        assert_eq!(provider.fit(&mut request), Vec::<Lack>::new(), "{}", target.name());
    }
}

#[test]
fn f2_embeddings_lack_what_only_chats_have() {
    for (target, provider) in targets() {
        let mut request = Request::embed(["hi"]).with_model(target.model);
        if provider.encode(&request).is_err() {
            continue;
        }
        (request.temperature, request.seed) = (Some(0.5), Some(7));
        let lacks = provider.fit(&mut request);
        let names: Vec<_> = lacks.iter().map(|lack| lack.parameter.as_str()).collect();
        assert_eq!(names, ["temperature", "seed"], "{}", target.name());
        let plain = sent(&*provider, &request);
        request.dimensions = Some(64);
        let named = !provider.fit(&mut request).is_empty();
        assert!(named || sent(&*provider, &request) != plain, "{}: dimensions", target.name());
        let plain = sent(&*provider, &request);
        request.user = Some("u-1".into());
        let named = !provider.fit(&mut request).is_empty();
        assert!(named || sent(&*provider, &request) != plain, "{}: user", target.name());
    }
}

#[test]
fn f2_what_thinking_forbids_is_decided_by_the_thinking_that_is_left() {
    let target = super::target("openai.chat", Some("openai"), "gpt-5.2");
    let Some(provider) = target.provider() else { return };
    let ask = |effort| {
        let mut request = Request::from("hi").with_model(target.model);
        request.temperature = Some(0.2);
        request.reasoning = effort;
        let lacks = provider.fit(&mut request);
        lacks.into_iter().map(|lack| lack.parameter.to_string()).collect::<Vec<_>>()
    };
    use belvedere_core::request::Effort;
    assert_eq!(ask(None), Vec::<String>::new());
    assert_eq!(ask(Some(effort_of(Effort::None))), Vec::<String>::new());
    assert_eq!(ask(Some(effort_of(Effort::Low))), ["temperature"]);
    assert_eq!(ask(Some(super::budget(100))), ["reasoning.max_tokens"], "then nothing thinks");
}
