//! What a type makes of its settings: where requests go, and what they are signed with.

#![cfg(all(feature = "openai", feature = "anthropic"))]

use std::collections::BTreeMap;

use belvedere_core::client::Client;
use belvedere_core::request::Request;
use belvedere_core::testing::{Reply, Simulation};
use serde_json::{Value, json};

use super::*;
use crate::provider;

/// An environment of these variables.
type Variables = &'static [(&'static str, &'static str)];

/// What a type does with a document, in an environment: the first requests it sends, or its fault.
fn sent(kind: &str, document: Value, env: Variables) -> Result<Vec<http::Request<bytes::Bytes>>, String> {
    let settings: Settings = serde_json::from_value(document).map_err(|e| e.to_string())?;
    let variables: BTreeMap<_, _> = env.iter().copied().collect();
    let lookup = |name: &str| variables.get(name).map(|text| (*text).to_owned());
    let stack = open(kind, settings, &lookup).map_err(|e| e.message().to_owned())?;
    let simulation = Simulation::new(1);
    // It does for a token endpoint, and as an answer it is none.
    simulation.network.always(Reply::ok("application/json", r#"{"access_token": "fetched"}"#));
    let client = Client::new(stack, simulation.lent());
    let _ = simulation.run(client.complete(Request::from("hi").with_model("m")));
    Ok(simulation.network.requests())
}

/// Address and one header of what goes to the provider.
fn goes(kind: &str, document: Value, env: Variables, header: &str) -> (String, String) {
    let requests = sent(kind, document, env).unwrap();
    let last = requests.last().unwrap();
    let value = last.headers().get(header).map(|value| value.to_str().unwrap().to_owned());
    (last.uri().to_string(), value.unwrap_or_default())
}

fn fault(kind: &str, document: Value) -> String {
    sent(kind, document, &[]).map(drop).unwrap_err()
}

fn pair(uri: &str, value: &str) -> (String, String) {
    (uri.to_owned(), value.to_owned())
}

#[test]
fn an_unknown_provider_lists_the_known_ones() {
    let error = provider("opnai", Settings::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
    for name in ["anthropic", "azure_openai", "groq", "openai"] {
        assert!(error.message().contains(name), "{error}");
    }
}

#[test]
fn the_key_comes_from_the_settings_or_the_environment() {
    assert!(fault("anthropic", json!({})).contains("ANTHROPIC_API_KEY"));
    let anthropic = "https://api.anthropic.com/v1/messages";
    assert_eq!(
        goes("anthropic", json!({}), &[("ANTHROPIC_API_KEY", "k")], "x-api-key"),
        pair(anthropic, "k")
    );
    let openai = "https://api.openai.com/v1/chat/completions";
    let env: Variables = &[("OPENAI_API_KEY", "from-env")];
    assert_eq!(goes("openai", json!({ "api_key": "k" }), env, "authorization"), pair(openai, "Bearer k"));
    assert_eq!(goes("openai", json!({}), env, "authorization"), pair(openai, "Bearer from-env"));
    let local = "http://localhost:1234/v1/chat/completions";
    assert_eq!(goes("lm_studio", json!({}), env, "authorization"), pair(local, ""));
}

#[test]
fn credentials_sign_instead_of_a_key() {
    let uri = "https://api.openai.com/v1/chat/completions";
    let goes =
        |credentials: Value, header: &str| goes("openai", json!({ "credentials": credentials }), &[], header);
    assert_eq!(goes(json!({ "type": "token", "token": "t" }), "authorization"), pair(uri, "Bearer t"));
    assert_eq!(
        goes(json!({ "type": "api_key", "key": "k", "header": "x-portal-key" }), "x-portal-key"),
        pair(uri, "k")
    );
    assert_eq!(goes(json!({ "type": "none" }), "authorization"), pair(uri, ""));
    let client = json!({
        "type": "oauth", "token_url": "https://login.test/token", "client_id": "me", "client_secret": "s",
    });
    assert_eq!(goes(client, "authorization"), pair(uri, "Bearer fetched"));
}

#[test]
fn credentials_that_do_not_fit_are_refused_by_name() {
    let both = json!({ "api_key": "k", "credentials": { "type": "none" } });
    assert!(fault("openai", both).starts_with("credentials: "));
    let aws = json!({ "credentials": { "type": "aws", "access_key_id": "a", "secret_access_key": "b" } });
    assert_eq!(fault("openai", aws), "credentials.type: openai takes: api_key, token, oauth, none");
    let http = json!({ "credentials": {
        "type": "oauth", "token_url": "http://login.test/token", "client_id": "me", "client_secret": "canary",
    } });
    let text = fault("openai", http);
    assert!(text.starts_with("credentials.token_url: ") && !text.contains("canary"), "{text}");
    let bare =
        json!({ "credentials": { "type": "oauth", "token_url": "https://x.test/t", "client_id": "me" } });
    assert_eq!(fault("openai", bare), "credentials.client_secret: is missing");
}

#[test]
fn a_field_that_a_type_does_not_take_is_refused_with_those_it_takes() {
    let text = fault("anthropic", json!({ "region": "eu-central-1" }));
    let expected =
        "region: anthropic does not take it; it takes: api_key, base_url, credentials, headers, model";
    assert!(text.starts_with(expected), "{text}");
    let text = fault("groq", json!({ "api_version": "2024-10-21", "api_key": "k" }));
    assert!(text.starts_with("api_version: groq does not take it"), "{text}");
    let text = fault("azure_openai", json!({ "wire": "ollama.chat", "api_key": "k" }));
    assert!(text.starts_with("wire: azure_openai speaks: openai.chat"), "{text}");
}

#[test]
fn azure_is_reached_by_both_of_its_apis() {
    let env: Variables =
        &[("AZURE_OPENAI_ENDPOINT", "https://r.openai.azure.com/"), ("AZURE_OPENAI_API_KEY", "k")];
    let at = "https://r.openai.azure.com/openai";
    assert_eq!(
        goes("azure_openai", json!({}), env, "api-key"),
        pair(&format!("{at}/v1/chat/completions"), "k")
    );
    assert_eq!(
        goes("azure_openai", json!({ "api_version": "2024-10-21" }), env, "api-key"),
        pair(&format!("{at}/deployments/m/chat/completions?api-version=2024-10-21"), "k")
    );
    assert!(fault("azure_openai", json!({ "api_key": "k" })).contains("AZURE_OPENAI_ENDPOINT"));
}

#[test]
fn azure_takes_an_application_of_entra_id() {
    let document = json!({
        "base_url": "https://r.openai.azure.com",
        "credentials": { "type": "entra_id", "tenant_id": "t", "client_id": "me", "client_secret": "s" },
    });
    let by_environment: Variables =
        &[("AZURE_TENANT_ID", "t"), ("AZURE_CLIENT_ID", "me"), ("AZURE_CLIENT_SECRET", "s")];
    let bare = json!({ "base_url": "https://r.openai.azure.com" });
    for requests in [sent("azure_openai", document, &[]), sent("azure_openai", bare, by_environment)] {
        let requests = requests.unwrap();
        assert_eq!(requests[0].uri(), "https://login.microsoftonline.com/t/oauth2/v2.0/token");
        assert_eq!(requests[1].uri(), "https://r.openai.azure.com/openai/v1/chat/completions");
        assert_eq!(requests[1].headers()["authorization"], "Bearer fetched");
        assert!(!requests[1].headers().contains_key("api-key"));
    }
}

#[test]
fn copilot_exchanges_a_github_token() {
    let document = json!({ "credentials": { "type": "copilot", "github_token": "gho" } });
    let requests = sent("copilot", document, &[]).unwrap();
    assert_eq!(requests[0].uri(), "https://api.github.com/copilot_internal/v2/token");
}

#[test]
fn mantle_stands_in_its_region() {
    let env: Variables = &[("AWS_REGION", "eu-west-1"), ("AWS_BEARER_TOKEN_BEDROCK", "k")];
    let uri = |region: &str| format!("https://bedrock-mantle.{region}.api.aws/v1/chat/completions");
    assert_eq!(goes("bedrock_mantle", json!({}), env, "authorization"), pair(&uri("eu-west-1"), "Bearer k"));
    let own = json!({ "region": "us-east-2" });
    assert_eq!(goes("bedrock_mantle", own, env, "authorization"), pair(&uri("us-east-2"), "Bearer k"));
    assert!(fault("bedrock_mantle", json!({ "api_key": "k" })).contains("AWS_REGION"));
    let bad = fault("bedrock_mantle", json!({ "api_key": "k", "region": "x/../y" }));
    assert!(bad.starts_with("region: "), "{bad}");
}

#[cfg(feature = "responses")]
#[test]
fn servers_of_both_wires_speak_the_one_that_is_named() {
    let document = json!({ "api_key": "k", "wire": "openai.responses" });
    for (name, uri) in [
        ("openai", "https://api.openai.com/v1/responses"),
        ("xai", "https://api.x.ai/v1/responses"),
        ("openrouter", "https://openrouter.ai/api/v1/responses"),
    ] {
        assert_eq!(goes(name, document.clone(), &[], "authorization"), pair(uri, "Bearer k"));
    }
    let azure = |extra: Value| {
        let mut document =
            json!({ "base_url": "https://r.openai.azure.com", "api_key": "k", "wire": "openai.responses" });
        document.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        document
    };
    assert_eq!(
        goes("azure_openai", azure(json!({})), &[], "api-key"),
        pair("https://r.openai.azure.com/openai/v1/responses", "k")
    );
    assert!(
        fault("azure_openai", azure(json!({ "api_version": "2024-10-21" }))).starts_with("api_version: ")
    );
    assert!(fault("groq", json!({ "wire": "openai.responses", "api_key": "k" })).starts_with("wire: "));
}

#[cfg(feature = "google")]
#[test]
fn google_is_reached_by_key_and_by_project() {
    let env: Variables = &[("GEMINI_API_KEY", "k")];
    assert_eq!(
        goes("google", json!({}), env, "x-goog-api-key"),
        pair("https://generativelanguage.googleapis.com/v1beta/models/m:generateContent", "k")
    );
    let document = |wire: &str| {
        json!({
            "project": "p", "region": "us-east5", "wire": wire, "credentials": { "type": "token", "token": "t" },
        })
    };
    let at = "https://us-east5-aiplatform.googleapis.com/v1/projects/p/locations/us-east5/publishers";
    assert_eq!(
        goes("vertex", document("google.generate"), &[], "authorization"),
        pair(&format!("{at}/google/models/m:generateContent"), "Bearer t")
    );
    assert_eq!(
        goes("vertex", document("anthropic.messages"), &[], "authorization"),
        pair(&format!("{at}/anthropic/models/m:rawPredict"), "Bearer t")
    );
    let text = fault("vertex", json!({ "credentials": { "type": "token", "token": "t" } }));
    assert!(text.starts_with("project: ") && text.contains("GOOGLE_CLOUD_PROJECT"), "{text}");
}

#[cfg(feature = "google")]
#[test]
fn vertex_finds_the_credentials_that_googles_clients_find() {
    let machine = sent("vertex", json!({ "project": "p" }), &[]).unwrap();
    assert_eq!(machine[0].uri().host(), Some("metadata.google.internal"));
    assert_eq!(machine[1].headers()["authorization"], "Bearer fetched");
    assert_eq!(machine[1].uri().host(), Some("aiplatform.googleapis.com"));
    let missing: Variables = &[("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")];
    let text = sent("vertex", json!({ "project": "p" }), missing).map(drop).unwrap_err();
    assert!(text.starts_with("GOOGLE_APPLICATION_CREDENTIALS: can't be read"), "{text}");
    let user = json!({ "type": "authorized_user", "client_id": "me", "refresh_token": "r", "quota_project_id": "payer" });
    let document =
        json!({ "project": "p", "credentials": { "type": "service_account", "key": user.to_string() } });
    let requests = sent("vertex", document, &[]).unwrap();
    assert_eq!(requests[0].uri(), "https://oauth2.googleapis.com/token");
    assert_eq!(requests[1].headers()["x-goog-user-project"], "payer");
    let text = fault("vertex", json!({ "credentials": { "type": "service_account", "key": "canary" } }));
    assert_eq!(text, "credentials.key: the key document: is not JSON of a key");
}

#[cfg(feature = "bedrock")]
#[test]
fn bedrock_signs_with_keys_of_its_own_or_of_aws() {
    let env: Variables = &[("AWS_REGION", "us-east-1"), ("AWS_BEARER_TOKEN_BEDROCK", "k")];
    let at = "https://bedrock-runtime.us-east-1.amazonaws.com/model/m";
    assert_eq!(goes("bedrock", json!({}), env, "authorization"), pair(&format!("{at}/converse"), "Bearer k"));
    let keys = json!({
        "region": "us-east-1", "wire": "bedrock.invoke.anthropic",
        "credentials": { "type": "aws", "access_key_id": "AKID", "secret_access_key": "s", "session_token": "st" },
    });
    let (uri, signature) = goes("bedrock", keys, &[], "authorization");
    assert_eq!(uri, format!("{at}/invoke"));
    assert!(
        signature.starts_with("AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/bedrock/aws4_request")
    );
    let by_environment: Variables =
        &[("AWS_REGION", "us-east-1"), ("AWS_ACCESS_KEY_ID", "AKID"), ("AWS_SECRET_ACCESS_KEY", "s")];
    assert!(goes("bedrock", json!({}), by_environment, "authorization").1.contains("Credential=AKID/"));
    assert!(fault("bedrock", json!({ "api_key": "k" })).contains("AWS_REGION"));
}

#[cfg(feature = "ollama")]
#[test]
fn ollama_speaks_its_own_wire_unless_another_is_named() {
    let goes = |document: Value, env: Variables| goes("ollama", document, env, "authorization");
    assert_eq!(goes(json!({}), &[]), pair("http://localhost:11434/api/chat", ""));
    let generate = json!({ "wire": "ollama.generate" });
    assert_eq!(goes(generate, &[]), pair("http://localhost:11434/api/generate", ""));
    let compatible = json!({ "wire": "openai.chat" });
    assert_eq!(goes(compatible, &[]), pair("http://localhost:11434/v1/chat/completions", ""));
    for (host, uri) in [
        ("10.0.0.5", "http://10.0.0.5:11434/api/chat"),
        ("0.0.0.0:9", "http://localhost:9/api/chat"),
        ("https://ollama.example/", "https://ollama.example/api/chat"),
    ] {
        let variables: Variables = Box::leak(Box::new([("OLLAMA_HOST", host)]));
        assert_eq!(goes(json!({}), variables), pair(uri, ""));
    }
    let with_version = json!({ "base_url": "http://gpu.test:11434/v1" });
    assert_eq!(goes(with_version, &[]), pair("http://gpu.test:11434/api/chat", ""));
    let cloud = json!({ "base_url": "https://ollama.com", "api_key": "k" });
    assert_eq!(goes(cloud, &[]), pair("https://ollama.com/api/chat", "Bearer k"));
}

#[cfg(feature = "cohere")]
#[test]
fn cohere_reads_both_names_of_its_key() {
    let uri = "https://api.cohere.com/v2/chat";
    assert_eq!(goes("cohere", json!({}), &[("CO_API_KEY", "k")], "authorization"), pair(uri, "Bearer k"));
    assert_eq!(goes("cohere", json!({}), &[("COHERE_API_KEY", "k")], "authorization"), pair(uri, "Bearer k"));
}

#[test]
fn a_wire_that_is_not_built_says_which_are() {
    let error = wire("nobody.speaks", None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.message().starts_with("wire: this build reads openai.chat, embeddings, "), "{error}");
    assert_eq!(wire("openai.chat", Some("nobody knows")).unwrap().info().name, "openai_compatible");
}

#[test]
fn every_provider_is_a_type_of_configurations() {
    let mut registry = Registry::new();
    register(&mut registry);
    let schema = registry.schema();
    for name in names() {
        assert_eq!(schema["$defs"][format!("provider_{name}")]["properties"]["type"]["const"], name);
    }
}

#[test]
fn names_are_unique() {
    let names = names();
    assert!(names.is_sorted() && names.windows(2).all(|two| two[0] != two[1]), "{names:?}");
}
