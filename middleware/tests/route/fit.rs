//! What a target lacks, has of its own, and may be sent: settled before anything is sent.

use belvedere_core::credentials::Anonymous;
use belvedere_core::event::Finish;
use belvedere_core::http::Http;
use belvedere_core::message::{Media, MediaKind, MediaSource, Message, Part, Role};
use belvedere_core::provider::{Decoder, Frame, Framing, Lack, Provider};
use belvedere_core::request::{Scope, Tool};
use belvedere_core::target::{Overlay, Policy, Unsupported};
use belvedere_core::testing::Reply;
use bytes::Bytes;
use serde_json::{Value, json};

use super::*;

/// A wire that sends a request as its JSON form, and lacks some of it.
#[derive(Debug)]
struct Toy {
    name: &'static str,
    base: http::Uri,
    lacks: &'static [&'static str],
}

impl Provider for Toy {
    fn info(&self) -> Info {
        Info::new(self.name, "toy.json")
    }

    fn base_url(&self) -> &http::Uri {
        &self.base
    }

    fn fit(&self, request: &mut Request) -> Vec<Lack> {
        let mut found = Vec::new();
        for lack in self.lacks {
            let had = match *lack {
                "seed" => request.seed.take().is_some(),
                "top_k" => request.top_k.take().is_some(),
                "response_format" => request.response_format.take().is_some(),
                "tools" => !std::mem::take(&mut request.tools).is_empty(),
                _ => false,
            };
            found.extend(had.then(|| Lack::new(*lack, "not here")));
        }
        found
    }

    fn encode(&self, request: &Request) -> Result<http::Request<Bytes>> {
        let body = serde_json::to_vec(request).unwrap();
        Ok(http::Request::post(&self.base).body(body.into()).unwrap())
    }

    fn decode(&self, _: &Request, head: &http::response::Parts) -> Result<(Framing, Box<dyn Decoder>)> {
        if !head.status.is_success() {
            return Err(failed(ErrorKind::Overloaded));
        }
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

fn toy(name: &'static str, lacks: &'static [&'static str]) -> Http<Toy> {
    let base = format!("https://{name}.test/v1").parse().unwrap();
    Http::new(Toy { name, base, lacks }, Anonymous)
}

fn machine() -> Simulation {
    let simulation = Simulation::new(1);
    simulation.network.always(Reply::ok("application/json", "{}"));
    simulation
}

fn sent(simulation: &Simulation) -> Vec<(String, Value)> {
    let short = |request: &http::Request<Bytes>| {
        (request.uri().host().unwrap().to_owned(), serde_json::from_slice(request.body()).unwrap())
    };
    simulation.network.requests().iter().map(short).collect()
}

fn hosts(simulation: &Simulation) -> Vec<String> {
    sent(simulation).into_iter().map(|(host, _)| host).collect()
}

/// Requests that ask for one feature each.
fn features() -> Vec<(&'static str, Request)> {
    let with = |change: fn(&mut Request)| {
        let mut request = Request::from("hi");
        change(&mut request);
        request
    };
    vec![
        ("seed", with(|request| request.seed = Some(7))),
        ("top_k", with(|request| request.top_k = Some(40))),
        (
            "response_format",
            with(|request| {
                request.response_format =
                    Some(serde_json::from_value(json!({ "type": "json_object" })).unwrap())
            }),
        ),
        (
            "tools",
            with(|request| {
                let tool: Tool = serde_json::from_value(json!({ "type": "openai.web_search" })).unwrap();
                request.tools = Arc::new(vec![tool]);
            }),
        ),
    ]
}

/// What each target lacks.
const TOYS: [(&str, &[&str]); 4] = [
    ("bare", &["seed", "top_k", "response_format", "tools"]),
    ("middling", &["seed", "tools"]),
    ("odd", &["top_k"]),
    ("full", &[]),
];

#[test]
fn f1_a_target_that_lacks_a_feature_is_passed_over_before_anything_is_sent() {
    for (feature, request) in features() {
        for (name, lacks) in TOYS {
            let simulation = machine();
            let all = vec![Target::new(toy(name, lacks)), Target::new(toy("last", &[]))];
            let client = client_of(&simulation, config(all));
            let answer = simulation.run(client.complete(request.clone())).unwrap();
            match lacks.contains(&feature) {
                true => {
                    assert_eq!(hosts(&simulation), ["last.test"], "{feature} {name}");
                    let told = notices(&answer);
                    assert!(
                        told[0].starts_with(&format!("{name} -> last: unsupported: {feature}: not here")),
                        "{told:?}"
                    );
                }
                false => {
                    assert_eq!(hosts(&simulation), [format!("{name}.test")], "{feature} {name}");
                    assert_eq!(notices(&answer), Vec::<String>::new());
                }
            }
            assert_eq!(answer.attempts.len(), 1, "a target that was passed over is no attempt");
        }
    }
}

#[test]
fn f1_a_target_that_drops_answers_itself_and_says_what_it_dropped() {
    for (feature, request) in features() {
        let simulation = machine();
        let (name, lacks) = TOYS[0];
        let dropping = Target::new(toy(name, lacks).with_unsupported(Unsupported::Drop));
        let client = client_of(&simulation, config(vec![dropping, Target::new(toy("last", &[]))]));
        let answer = simulation.run(client.complete(request)).unwrap();
        let dropped = Notice::ParameterDropped { parameter: feature.into(), reason: "not here".into() };
        assert_eq!((hosts(&simulation), answer.notices), (vec!["bare.test".to_owned()], vec![dropped]));
    }
}

#[test]
fn f1_when_all_lack_it_the_error_says_what_each_lacks_and_costs_no_attempt() {
    let simulation = machine();
    let all = TOYS[..2].iter().map(|(name, lacks)| Target::new(toy(name, lacks))).collect();
    let client = client_of(&simulation, config(all));
    let options: Options = serde_json::from_value(json!({ "attempts": 1 })).unwrap();
    let (_, request) = features().remove(0);
    let error = simulation.run(client.complete(request.with_options(options))).unwrap_err();
    let what = "(unsupported: seed: not here; `unsupported: drop` sends the request without)";
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Unsupported, 0));
    assert!(error.context().contains(&("targets", format!("bare {what}, middling {what}"))), "{error}");
    assert_eq!(sent(&simulation), []);
}

#[test]
fn f3_each_target_has_its_own_parameters_and_the_next_one_starts_from_the_callers() {
    let simulation = machine();
    simulation.network.push(Reply::status(529));
    let overlay = |value: Value| serde_json::from_value::<Overlay>(value).unwrap();
    let first = toy("first", &[]).with_overlay(overlay(json!({ "temperature": 0.1, "model": "small" })));
    let second = toy("second", &["seed"]).with_overlay(overlay(json!({ "max_tokens": 50, "seed": null })));
    let client = client_of(&simulation, config(vec![Target::new(first), Target::new(second)]));
    let mut request = Request::from("hi").with_model("large").with_max_tokens(9000);
    (request.seed, request.temperature) = (Some(7), Some(0.5));
    simulation.run(client.complete(request)).unwrap();
    let messages = json!([{ "role": "user", "content": [{ "type": "text", "text": "hi" }] }]);
    let expected = [
        (
            "first.test",
            json!({ "messages": messages, "model": "small", "max_tokens": 9000, "temperature": 0.1, "seed": 7 }),
        ),
        (
            "second.test",
            json!({ "messages": messages, "model": "large", "max_tokens": 50, "temperature": 0.5 }),
        ),
    ];
    assert_eq!(sent(&simulation), expected.map(|(host, body)| (host.to_owned(), body)));
}

#[test]
fn f4_policy_table() {
    let image = || {
        let media = Media::new(MediaKind::Image, MediaSource::Id("id".into()));
        Request::new([Message::new(Role::User, vec![Part::Media(media)])])
    };
    let words = || Request::from("hi");
    // What may go to the first target, what is asked and by whom, and who is sent it. The second one takes all that
    // has no region, the third is in Frankfurt.
    let cases = [
        (json!({}), image(), json!({}), Ok("open")),
        (json!({ "modalities": ["text"] }), words(), json!({}), Ok("open")),
        (json!({ "modalities": ["text"] }), image(), json!({}), Ok("all")),
        (json!({ "tenants": { "deny": ["acme"] } }), words(), json!({ "tenant": "acme" }), Ok("all")),
        (json!({ "tenants": { "deny": ["acme"] } }), words(), json!({ "tenant": "other" }), Ok("open")),
        (json!({ "tenants": { "allow": ["acme"] } }), words(), json!({ "tenant": "acme" }), Ok("open")),
        (json!({ "tenants": { "allow": ["acme"] } }), words(), json!({}), Ok("all")),
        (json!({}), words(), json!({ "tags": { "data_region": "eu" } }), Ok("frankfurt")),
        (
            json!({ "region": "us-east-1" }),
            words(),
            json!({ "tags": { "data_region": "eu" } }),
            Ok("frankfurt"),
        ),
        (json!({ "region": "eu-west-1" }), words(), json!({ "tags": { "data_region": "eu" } }), Ok("open")),
        (
            json!({ "region": "eu-west-1" }),
            image(),
            json!({ "tags": { "data_region": "eu-west" } }),
            Ok("open"),
        ),
        (json!({}), words(), json!({ "tags": { "data_region": "ap" } }), Err(())),
    ];
    for (policy, request, who, expected) in cases {
        let simulation = machine();
        let guarded = |name, policy: &Value| {
            let policy: Policy = serde_json::from_value(policy.clone()).unwrap();
            Target::new(toy(name, &[]).with_policy(policy))
        };
        let frankfurt = json!({ "region": "eu-central-1", "tenants": { "deny": ["acme"] } });
        let all =
            vec![guarded("open", &policy), guarded("all", &json!({})), guarded("frankfurt", &frankfurt)];
        let mut options = Options::default();
        options.scope = serde_json::from_value::<Scope>(who.clone()).unwrap();
        let client = client_of(&simulation, config(all));
        let answer = simulation.run(client.complete(request.with_options(options)));
        match expected {
            Ok(host) => assert_eq!(hosts(&simulation), [format!("{host}.test")], "{policy} {who}"),
            Err(()) => {
                assert_eq!(answer.unwrap_err().kind(), ErrorKind::Unsupported, "{policy} {who}");
                assert_eq!(hosts(&simulation), Vec::<String>::new());
            }
        }
    }
}
