use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::completion::Completion;
use crate::context::Context;
use crate::credentials::Secret;
use crate::events::Events;
use crate::layer::Layer;
use crate::pipeline::Pipeline;
use crate::request::Request;
use crate::service::{Info, Service, Stack};
use crate::store::MemoryStore;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Echo {
    model: String,
    api_key: Option<Secret>,
    #[serde(default)]
    mode: Mode,
    #[serde(default)]
    #[expect(dead_code, reason = "only its checks matter here")]
    voice: Option<Voice>,
}

/// What a tag tells apart.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[expect(dead_code, reason = "only its checks matter here")]
enum Voice {
    Fixed { pitch: u32 },
    Random { seed: Option<u32>, pitch: Option<u32> },
    Silent,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Mode {
    /// Words with documentation are listed like those without.
    #[default]
    Plain,
    /// Loudly.
    Loud,
}

#[async_trait]
impl Service for Echo {
    fn info(&self) -> Info {
        Info::new("echo", "echo").with_model(Some(self.model.as_str().into()))
    }

    async fn call(&self, _: Context, _: Request) -> crate::Result<Events> {
        Ok(Completion::of_text(format!("{:?} {:?}", self.mode, self.api_key.is_some())).into_events())
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Retry {
    #[schemars(range(min = 1, max = 10))]
    #[expect(dead_code, reason = "only its checks matter here")]
    attempts: u32,
    #[serde(default, with = "crate::duration::option")]
    #[schemars(with = "Option<crate::duration::Text>")]
    #[expect(dead_code, reason = "only its checks matter here")]
    delay: Option<Duration>,
}

impl Layer for Retry {}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Breaker {}

impl Layer for Breaker {}

pub(super) fn registry() -> Registry {
    let mut registry = Registry::new().with_env(|name| (name == "SET").then(|| "value".to_owned()));
    registry.provider("echo", |echo: Echo, _| Ok(echo));
    registry.layer::<Retry>("retry");
    registry.layer::<Breaker>("breaker");
    registry.host_layer(
        "mine",
        crate::layer::layer_fn("mine", |cx, request, next| async move { next.call(cx, request).await }),
    );
    registry
}

fn fault(document: Value) -> String {
    let lent = crate::testing::lent(
        &crate::testing::TestClock::new(),
        crate::testing::ScriptedTransport::new(std::sync::Arc::new(crate::testing::TestClock::new())),
        0,
    );
    match registry().client_with(&document.into(), lent) {
        Ok(client) => format!("built {}", client.info().name),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
            error.message().to_owned()
        }
    }
}

#[test]
fn a_good_document_builds() {
    let document = json!({
        "version": 1,
        "provider": { "type": "echo", "model": "m", "api_key": { "env": "SET" }, "mode": "loud" },
        "layers": [{ "type": "host", "name": "mine" }, { "type": "retry", "attempts": 3, "delay": "500ms" }, { "type": "breaker" }],
    });
    assert_eq!(fault(document), "built echo");
}

#[test]
fn all_faults_come_at_once_each_with_its_path_and_what_is_allowed() {
    let document = json!({
        "version": 2,
        "provider": { "type": "echo", "modle": "m", "mode": "silent", "api_key": { "env": "UNSET" } },
        "layers": [
            { "type": "retry", "attempts": 0, "delay": "5 parsecs", "x": 1 },
            { "type": "retyr" },
            { "attempts": 1 },
            { "type": "retry", "attempts": "3" },
            { "type": "host", "name": "yours" },
        ],
        "colour": true,
    });
    let expected = "14 faults
  provider.api_key: the environment variable UNSET is not set
  colour: unknown field; allowed: layers, order, provider, stores, streams, transport, version
  version: must be 1
  provider.model: is missing
  provider.mode: unknown value; allowed: plain, loud
  provider.modle: unknown field; allowed: api_key, mode, model, voice
  layers[0].attempts: must be at least 1
  layers[0].delay: must be a duration with units, such as \"500ms\", \"20s\", \"5m\" or \"1d\"
  layers[0].x: unknown field; allowed: attempts, delay
  layers[1].type: unknown layer `retyr`; known: breaker, retry
  layers[2].type: is missing; known types: breaker, retry
  layers[3].attempts: must be a whole number, is a string
  layers[4].name: no layer of the host has this name; known: mine
  layers[3]: a second `retry`; the first is layers[0]; remove one, or set `order: as_written`";
    assert_eq!(fault(document), expected);
}

#[test]
fn a_wrong_order_names_both_layers_unless_it_is_wanted() {
    let layers = json!([{ "type": "breaker" }, { "type": "retry", "attempts": 2 }]);
    let document = |order: &str| json!({ "provider": { "type": "echo", "model": "m" }, "layers": layers, "order": order });
    assert_eq!(
        fault(document("canonical")),
        "layers[1]: `retry` stands inside `breaker` (layers[0]) and belongs outside of it; reorder them, or set \
         `order: as_written`"
    );
    assert_eq!(fault(document("as_written")), "built echo");
}

#[test]
fn what_is_no_document_says_so() {
    assert_eq!(fault(json!([])), "document: must be an object with `provider` and, if wanted, `layers`");
    assert_eq!(fault(json!({})), "provider: is missing, and no `route` names targets; known types: echo");
    assert_eq!(
        fault(json!({ "provider": "openai" })),
        "provider: must be an object with a `type`; known types: echo"
    );
    assert_eq!(
        fault(json!({ "provider": { "type": "echo", "model": "m" }, "layers": {} })),
        "layers: must be an array, is an object"
    );
}

#[test]
fn a_number_for_a_duration_is_told_what_a_duration_looks_like() {
    let document = json!({
        "provider": { "type": "echo", "model": "m" },
        "layers": [{ "type": "retry", "attempts": 1, "delay": 20 }],
    });
    let expected = "layers[0].delay: must be a duration with units, such as \"20s\", is a number";
    assert_eq!(fault(document), expected);
}

#[test]
fn a_fault_of_building_has_the_path_of_its_field() {
    let mut registry = registry();
    let invalid = |what: &'static str| {
        move |_: Echo, _: &Build<'_>| Err::<Echo, _>(Error::new(ErrorKind::ConfigInvalid, what))
    };
    registry.provider("fielded", invalid("api_key: is empty"));
    registry.provider("plain", invalid("nothing works: not at all"));
    let fault = |kind: &str| {
        let document = json!({ "provider": { "type": kind, "model": "m" } });
        let client = registry.client_with(&Config::from(document), crate::testing::Simulation::new(1).lent());
        client.unwrap_err().message().to_owned()
    };
    assert_eq!(fault("fielded"), "provider.api_key: is empty");
    assert_eq!(fault("plain"), "provider: nothing works: not at all");
}

#[test]
fn a_tag_chooses_what_the_rest_is_held_to() {
    let of = |voice: Value| fault(json!({ "provider": { "type": "echo", "model": "m", "voice": voice } }));
    for good in
        [json!({ "type": "fixed", "pitch": 1 }), json!({ "type": "random" }), json!({ "type": "silent" })]
    {
        assert_eq!(of(good), "built echo");
    }
    assert_eq!(of(Value::Null), "built echo");
    assert_eq!(of(json!({ "type": "fixed" })), "provider.voice.pitch: is missing");
    assert_eq!(
        of(json!({ "type": "random", "speed": 1 })),
        "provider.voice.speed: unknown field; allowed: pitch, seed, type"
    );
    assert_eq!(
        of(json!({ "type": "canary", "pitch": 1 })),
        "provider.voice.type: unknown value; allowed: fixed, random, silent"
    );
    assert_eq!(of(json!({ "pitch": 1 })), "provider.voice.type: is missing; allowed: fixed, random, silent");
}

#[test]
fn a_secret_in_the_wrong_place_is_not_shown() {
    let text =
        fault(json!({ "provider": { "type": "echo", "model": "m", "mode": "canary-1", "api_key": 17 } }));
    assert!(!text.contains("canary-1") && !text.contains("17"), "{text}");
    let config = Config::from(json!({ "provider": { "type": "echo", "api_key": "canary-2" } }));
    assert!(!format!("{config:?}").contains("canary-2"));
}

#[test]
fn the_same_keys_in_json_yaml_and_toml() {
    let json = Config::from_json(
        r#"{"version":1,"provider":{"type":"echo","model":"m"},"layers":[{"type":"retry","attempts":2}]}"#,
    );
    let yaml = Config::from_yaml(
        "version: 1\nprovider: { type: echo, model: m }\nlayers:\n  - { type: retry, attempts: 2 }\n",
    );
    let toml = Config::from_toml(
        "version = 1\n[provider]\ntype = \"echo\"\nmodel = \"m\"\n[[layers]]\ntype = \"retry\"\nattempts = 2\n",
    );
    assert_eq!(json.clone().unwrap(), yaml.unwrap());
    assert_eq!(json.unwrap(), toml.unwrap());
    for error in
        [Config::from_json("{\"canary\": "), Config::from_yaml("canary: [1"), Config::from_toml("canary = [")]
    {
        let text = error.unwrap_err().to_string();
        assert!(text.contains("line") && !text.contains("canary"), "{text}");
    }
}

#[test]
fn the_schema_names_every_type_and_has_no_dangling_reference() {
    let schema = registry().schema();
    assert_eq!(schema["$defs"]["layer_retry"]["properties"]["type"]["const"], "retry");
    assert_eq!(schema["$defs"]["layer_retry"]["properties"]["attempts"]["minimum"], 1);
    assert_eq!(schema["$defs"]["provider_echo"]["required"], json!(["type", "model"]));
    let text = schema.to_string();
    for target in text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(schema.pointer(target).is_some(), "{target}");
    }
}

/// A layer with entries inside it, and a store.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Inside {
    store: Option<String>,
    targets: Vec<Target>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Target {
    #[schemars(with = "ProviderDocument")]
    provider: Value,
    #[serde(default)]
    #[schemars(with = "Vec<LayerDocument>")]
    layers: Vec<Value>,
}

/// Its layer: answers by its first target.
#[derive(Debug)]
struct Route(Vec<Pipeline>);

impl Layer for Route {
    fn layer(&self, inner: Stack) -> Stack {
        self.0.first().map_or(inner, Pipeline::stack)
    }
}

fn route_registry() -> Registry {
    let mut registry = registry();
    registry.layer_from("route", |config: Inside, cx| {
        cx.store(config.store.as_deref())?;
        let build = |(i, target): (usize, &Target)| {
            cx.pipeline(&format!("targets[{i}]"), &target.provider, &target.layers)
        };
        // All of them, so that all faults are found.
        let built: Vec<_> = config.targets.iter().enumerate().map(build).collect();
        built.into_iter().collect::<crate::Result<_>>().map(Route)
    });
    registry.store("shared", |_: Breaker, _| {
        Ok(MemoryStore::new(std::sync::Arc::new(crate::testing::TestClock::new())))
    });
    registry
}

fn lent() -> crate::context::Lent {
    crate::testing::Simulation::new(1).lent()
}

#[test]
fn entries_inside_an_entry_are_built_and_their_faults_have_their_own_paths() {
    let registry = route_registry();
    let good = json!({
        "stores": { "mine": { "type": "shared" } },
        "layers": [{ "type": "route", "store": "mine", "targets": [
            { "provider": { "type": "echo", "model": "a" }, "layers": [{ "type": "breaker" }] },
        ] }],
    });
    let client = registry.client_with(&good.into(), lent()).unwrap();
    assert_eq!(client.info().model.as_deref(), Some("a"));
    let bad = json!({
        "stores": { "mine": { "type": "shred" }, "memory": { "type": "shared" } },
        "layers": [{ "type": "route", "targets": [
            { "provider": { "type": "echo", "modl": 1 }, "layers": [{ "type": "breaker" }, { "type": "retry" }] },
            { "provider": { "type": "ecko" } },
        ] }],
    });
    let error = registry.client_with(&bad.into(), lent()).unwrap_err();
    let expected = "7 faults
  stores.memory: is the store that is always there; take another name
  stores.mine.type: unknown store `shred`; known: shared
  layers[0].targets[0].provider.model: is missing
  layers[0].targets[0].provider.modl: unknown field; allowed: api_key, mode, model, voice
  layers[0].targets[0].layers[1].attempts: is missing
  layers[0].targets[1].provider.type: unknown provider `ecko`; known: echo
  layers[0].targets[0].layers[1]: `retry` stands inside `breaker` (layers[0].targets[0].layers[0]) and belongs outside \
                    of it; reorder them, or set `order: as_written`";
    assert_eq!(error.message(), expected);
    let with_its_own = json!({ "layers": [{ "type": "route", "stores": 1, "targets": [
        { "provider": { "type": "ecko" } }, { "layer": [], "provider": { "type": "echo", "model": "a", "modl": 1 } },
    ] }] });
    let error = registry.client_with(&with_its_own.into(), lent()).unwrap_err();
    let expected = "4 faults
  layers[0].stores: unknown field; allowed: store, targets
  layers[0].targets[1].layer: unknown field; allowed: layers, provider
  layers[0].targets[0].provider.type: unknown provider `ecko`; known: echo
  layers[0].targets[1].provider.modl: unknown field; allowed: api_key, mode, model, voice";
    assert_eq!(error.message(), expected);
    let unknown = json!({ "layers": [{ "type": "route", "store": "mine", "targets": [] }] });
    let error = registry.client_with(&unknown.into(), lent()).unwrap_err();
    assert_eq!(error.message(), "layers[0].store: no store `mine` in `stores`; known: memory");
    let nowhere = json!({ "layers": [{ "type": "route", "targets": [] }] });
    let error = registry.client_with(&nowhere.into(), lent()).unwrap_err();
    assert_eq!(error.message(), "provider: is missing, and `route` names no targets; name one of them");
}
