use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::client::Client;
use crate::credentials::Anonymous;
use crate::event::Finish;
use crate::message::{Media, MediaKind, MediaSource, Message, Part, Role};
use crate::provider::{Decoder, Frame, Framing};
use crate::request::{Function, Options, Scope, Tool};
use crate::service::Info;
use crate::testing::{Reply, Simulation};

/// A wire that sends a request as its JSON form, and has neither `seed` nor `top_k`.
#[derive(Debug)]
struct Toy(http::Uri);

impl Provider for Toy {
    fn info(&self) -> Info {
        Info::new("toy", "toy.json").with_model(Some("toy-1".into()))
    }

    fn base_url(&self) -> &http::Uri {
        &self.0
    }

    fn fit(&self, request: &mut Request) -> Vec<Lack> {
        let mut lacks = Vec::new();
        if request.seed.take().is_some() {
            lacks.push(Lack::new("seed", "toys are random"));
        }
        if request.top_k.take().is_some() {
            lacks.push(Lack::new("top_k", "toys can't count"));
        }
        lacks
    }

    fn encode(&self, request: &Request) -> Result<http::Request<Bytes>> {
        let body = serde_json::to_vec(request).unwrap();
        Ok(http::Request::post("https://api.test/v1").body(body.into()).unwrap())
    }

    fn decode(&self, _: &Request, _: &http::response::Parts) -> Result<(Framing, Box<dyn Decoder>)> {
        Ok((Framing::Json, Box::new(Pong)))
    }
}

struct Pong;

impl Decoder for Pong {
    fn frame(&mut self, _: Frame<'_>, out: &mut Vec<Event>) -> Result<()> {
        out.push(Event::Start { id: None, model: None });
        out.push(Event::Finish { choice: 0, finish: Finish::default() });
        Ok(())
    }

    fn eof(&mut self, _: &mut Vec<Event>) -> Result<()> {
        Ok(())
    }
}

fn toy() -> Http<Toy> {
    Http::new(Toy("https://api.test/v1".parse().unwrap()), Anonymous)
}

fn machine() -> Simulation {
    let simulation = Simulation::new(1);
    simulation.network.always(Reply::ok("application/json", "{}"));
    simulation
}

/// The bodies that were sent.
fn sent(simulation: &Simulation) -> Vec<Value> {
    simulation.network.requests().iter().map(|r| serde_json::from_slice(r.body()).unwrap()).collect()
}

fn asking_too_much() -> Request {
    let mut request = Request::from("hi");
    (request.seed, request.top_k, request.temperature) = (Some(7), Some(40), Some(0.5));
    request
}

fn dropped() -> Vec<Notice> {
    let notice = |parameter: &str, reason: &str| Notice::ParameterDropped {
        parameter: parameter.into(),
        reason: reason.into(),
    };
    vec![notice("seed", "toys are random"), notice("top_k", "toys can't count")]
}

#[test]
fn f2_strict_names_all_that_is_lacking_and_sends_nothing() {
    let simulation = machine();
    let client = Client::new(toy(), simulation.lent());
    let error = simulation.run(client.complete(asking_too_much())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(
        error.message(),
        "seed: toys are random; top_k: toys can't count; `unsupported: drop` sends the request without"
    );
    assert!(error.context().contains(&("parameter", "seed, top_k".into())), "{error}");
    assert_eq!(error.attempts(), 0, "what reaches no provider is no attempt");
    assert_eq!(sent(&simulation), Vec::<Value>::new());
}

#[test]
fn f2_drop_sends_the_rest_and_says_what_it_dropped() {
    let simulation = machine();
    let client = Client::new(toy().with_unsupported(Unsupported::Drop), simulation.lent());
    let answer = simulation.run(client.complete(asking_too_much())).unwrap();
    assert_eq!(answer.notices, dropped());
    let messages = json!([{ "role": "user", "content": [{ "type": "text", "text": "hi" }] }]);
    assert_eq!(sent(&simulation), [json!({ "messages": messages, "temperature": 0.5 })]);
    let events = simulation.run(async {
        let stream = client.stream(asking_too_much()).await.unwrap();
        stream.map(std::result::Result::unwrap).collect::<Vec<_>>().await
    });
    let notices: Vec<Event> = dropped().into_iter().map(Event::Notice).collect();
    assert_eq!(&events[..2], notices, "the notices stand ahead of the answer");
    assert!(matches!(events[2], Event::Start { .. }));
}

#[test]
fn f2_the_call_decides_over_the_target() {
    let simulation = machine();
    let ask = |target, call| {
        let client = Client::new(toy().with_unsupported(target), simulation.lent());
        let options: Options = serde_json::from_value(json!({ "unsupported": call })).unwrap();
        simulation.run(client.complete(asking_too_much().with_options(options)))
    };
    assert_eq!(ask(Unsupported::Strict, json!("drop")).unwrap().notices, dropped());
    assert_eq!(ask(Unsupported::Drop, json!("strict")).unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(ask(Unsupported::Drop, Value::Null).unwrap().notices, dropped());
}

#[test]
fn f2_a_request_that_fits_is_left_alone() {
    let simulation = machine();
    let client = Client::new(toy(), simulation.lent());
    let answer = simulation.run(client.complete("hi")).unwrap();
    assert_eq!(answer.notices, []);
}

fn overlay(document: Value) -> Overlay {
    serde_json::from_value(document).unwrap()
}

#[test]
fn f3_a_fallback_has_its_own_parameters_and_the_primary_keeps_the_requests() {
    let simulation = machine();
    let fallback = toy().with_overlay(overlay(json!({
        "model": "toy-2",
        "temperature": null,
        "max_completion_tokens": 50,
        "reasoning": { "effort": "low" },
        "tools": null,
        "service_tier": "flex",
        "metadata": { "from": null, "by": "overlay" },
    })));
    let tool = Tool::Function(Function::new("get_time", "The time.", json!({ "type": "object" })));
    let mut request = Request::from("hi").with_model("toy-1").with_max_tokens(9000);
    request.temperature = Some(0.5);
    request.reasoning = Some(serde_json::from_value(json!({ "max_tokens": 2000 })).unwrap());
    request.tools = Arc::new(vec![tool]);
    request.extra.insert("metadata".into(), json!({ "from": "caller", "id": 1 }));
    let before = request.clone();
    for target in [toy(), fallback, toy()] {
        let client = Client::new(target, simulation.lent());
        simulation.run(client.complete(request.clone())).unwrap();
    }
    assert_eq!(request, before, "the caller's request is not touched");
    let messages = json!([{ "role": "user", "content": [{ "type": "text", "text": "hi" }] }]);
    let primary = json!({
        "model": "toy-1",
        "messages": messages,
        "max_tokens": 9000,
        "temperature": 0.5,
        "reasoning": { "max_tokens": 2000 },
        "tools": [{ "name": "get_time", "description": "The time.", "parameters": { "type": "object" } }],
        "metadata": { "from": "caller", "id": 1 },
    });
    let fallback = json!({
        "model": "toy-2",
        "messages": messages,
        "max_tokens": 50,
        "reasoning": { "max_tokens": 2000, "effort": "low" },
        "service_tier": "flex",
        "metadata": { "by": "overlay", "id": 1 },
    });
    assert_eq!(sent(&simulation), [primary.clone(), fallback, primary]);
}

#[test]
fn f3_what_the_overlay_sets_may_be_lacking_too() {
    let simulation = machine();
    let client = Client::new(toy().with_overlay(overlay(json!({ "seed": 1 }))), simulation.lent());
    let error = simulation.run(client.complete("hi")).unwrap_err();
    assert!(error.message().starts_with("seed: "), "{error}");
    let client = Client::new(toy().with_overlay(overlay(json!({ "seed": null }))), simulation.lent());
    assert!(simulation.run(client.complete(asking_less())).is_ok());
}

/// What the toy has, and a seed.
fn asking_less() -> Request {
    let mut request = Request::from("hi");
    request.seed = Some(7);
    request
}

#[test]
fn f3_an_overlay_that_can_not_be_is_refused_when_it_is_read() {
    let cases = [
        (json!({ "messages": [] }), "messages belongs to the request and can't be overlaid"),
        (json!({ "stream": true }), "stream belongs to the request and can't be overlaid"),
        (json!({ "temperature": "hot" }), "temperature: "),
        (json!({ "reasoning": { "effort": "huge" } }), "reasoning"),
    ];
    for (document, expected) in cases {
        let error = serde_json::from_value::<Overlay>(document.clone()).unwrap_err().to_string();
        assert!(error.starts_with(expected) || error.contains("unknown variant"), "{document}: {error}");
    }
    let schema = serde_json::to_value(schemars::schema_for!(Overlay)).unwrap();
    let names: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
    let known = serde_json::to_value(every_parameter()).unwrap();
    for name in known.as_object().unwrap().keys() {
        assert!(names.contains(&name), "the schema of overlays lacks {name}");
    }
}

/// A request that sets everything an overlay may.
fn every_parameter() -> Request {
    serde_json::from_value(json!({
        "model": "m", "tools": [{ "name": "f" }], "tool_choice": "auto", "parallel_tool_calls": true,
        "max_tokens": 1, "temperature": 1.0, "top_p": 1.0, "top_k": 1, "stop": ["s"], "seed": 1, "n": 1,
        "presence_penalty": 1.0, "frequency_penalty": 1.0, "logprobs": true, "top_logprobs": 1,
        "response_format": { "type": "text" }, "reasoning": {}, "user": "u", "dimensions": 1,
    }))
    .unwrap()
}

fn media(kind: MediaKind) -> Part {
    Part::Media(Media::new(kind, MediaSource::Id("id".into())))
}

fn said(role: Role, part: Part) -> Request {
    Request::new([Message::new(role, vec![part])])
}

fn in_a_result(part: Part) -> Part {
    let content = vec![part];
    Part::ToolResult { id: "1".into(), name: None, content, is_error: false, extra: Default::default() }
}

#[test]
fn f4_policy_table_of_modalities() {
    use MediaKind::{Audio, File, Image, Video};
    let opaque = || Part::opaque("toy.json", "thing", json!({}));
    let cases = [
        (json!(["text"]), said(Role::User, Part::text("hi")), None),
        (json!(["text"]), said(Role::User, media(Image)), Some("images")),
        (json!(["text"]), said(Role::Assistant, media(Image)), Some("images")),
        (json!(["text"]), said(Role::Tool, in_a_result(media(Image))), Some("images")),
        (json!(["text", "image"]), said(Role::Tool, in_a_result(media(Image))), None),
        (json!(["text", "image"]), said(Role::User, media(Audio)), Some("audio")),
        (json!(["text", "image"]), said(Role::User, media(Video)), Some("video")),
        (json!(["text", "image"]), said(Role::User, media(File)), Some("files")),
        (json!(["image", "audio", "video", "file"]), said(Role::User, Part::text("hi")), Some("text")),
        (json!(["image"]), Request::embed(["hi"]), Some("text")),
        (json!(["text"]), said(Role::User, opaque()), Some("parts that may hold anything")),
        (json!(["text"]), said(Role::Assistant, opaque()), None),
        (json!(["text", "image", "audio", "video", "file"]), said(Role::User, opaque()), None),
        (json!([]), said(Role::User, Part::text("hi")), Some("text")),
        (json!(null), said(Role::User, media(Video)), None),
    ];
    for (modalities, request, forbidden) in cases {
        let policy: Policy = serde_json::from_value(json!({ "modalities": modalities })).unwrap();
        let verdict =
            policy.check(&request, &Scope::default()).map_err(|e| (e.kind(), e.message().to_owned()));
        let message = |what| format!("policy.modalities: the target may not be sent {what}");
        let expected = forbidden.map_or(Ok(()), |what| Err((ErrorKind::Unsupported, message(what))));
        assert_eq!(verdict, expected, "{modalities} {request:?}");
    }
}

#[test]
fn f4_policy_table_of_tenants_and_regions() {
    let cases = [
        (json!({}), json!({}), Ok(())),
        (json!({ "tenants": { "deny": ["acme"] } }), json!({ "tenant": "acme" }), Err("tenants.deny")),
        (json!({ "tenants": { "deny": ["acme"] } }), json!({ "tenant": "other" }), Ok(())),
        (json!({ "tenants": { "deny": ["acme"] } }), json!({}), Ok(())),
        (json!({ "tenants": { "allow": ["acme"] } }), json!({ "tenant": "acme" }), Ok(())),
        (json!({ "tenants": { "allow": ["acme"] } }), json!({ "tenant": "other" }), Err("tenants.allow")),
        (json!({ "tenants": { "allow": ["acme"] } }), json!({}), Err("tenants.allow")),
        (
            json!({ "tenants": { "allow": ["acme"], "deny": ["acme"] } }),
            json!({ "tenant": "acme" }),
            Err("tenants.deny"),
        ),
        (json!({ "region": "eu-west-1" }), json!({}), Ok(())),
        (json!({ "region": "eu-west-1" }), json!({ "tags": { "data_region": "eu" } }), Ok(())),
        (json!({ "region": "eu-west-1" }), json!({ "tags": { "data_region": "eu-west-1" } }), Ok(())),
        (json!({ "region": "eu-west-1" }), json!({ "tags": { "data_region": "eu-west" } }), Ok(())),
        (json!({ "region": "eu-west-1" }), json!({ "tags": { "data_region": "eu-we" } }), Err("region")),
        (json!({ "region": "eu" }), json!({ "tags": { "data_region": "eu-west-1" } }), Err("region")),
        (json!({ "region": "us" }), json!({ "tags": { "data_region": "eu" } }), Err("region")),
        (json!({ "region": "us" }), json!({ "tags": { "data_region": "" } }), Err("region")),
        (json!({}), json!({ "tags": { "data_region": "eu" } }), Err("region")),
        (json!({}), json!({ "tags": { "region": "eu" } }), Ok(())),
    ];
    for (policy, scope, expected) in cases {
        let policy: Policy = serde_json::from_value(policy).unwrap();
        let scope: Scope = serde_json::from_value(scope).unwrap();
        let verdict = policy.check(&Request::from("hi"), &scope);
        match (&verdict, expected) {
            (Ok(()), Ok(())) => {}
            (Err(error), Err(rule)) => {
                assert_eq!(error.kind(), ErrorKind::Unsupported);
                assert!(error.message().starts_with(&format!("policy.{rule}: ")), "{error}");
            }
            _ => panic!("{policy:?} {scope:?}: {verdict:?}"),
        }
    }
}

#[test]
fn f4_what_the_policy_forbids_is_never_sent_nor_dropped() {
    let simulation = machine();
    let policy: Policy = serde_json::from_value(json!({ "modalities": ["text"] })).unwrap();
    let target = toy().with_policy(policy).with_unsupported(Unsupported::Drop);
    let client = Client::new(target, simulation.lent());
    let error = simulation.run(client.complete(said(Role::User, media(MediaKind::Image)))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.context().contains(&("at", "messages[0].content[0]".into())), "{error}");
    assert_eq!((sent(&simulation), error.attempts()), (Vec::new(), 0));
}
