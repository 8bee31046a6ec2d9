//! The beginning of an answer, to be gone on with: what each wire sends of it, and that what one side writes the other
//! reads. Each form is that of the server's documentation, named in `capabilities/table`.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;

use belvedere_core::message::{Message, Part, Role, ToolBy};
use belvedere_core::provider::Provider;
use belvedere_core::request::Request;
use belvedere_providers::openai::{OpenAi, hosts};
use belvedere_providers::{endpoint, wire};
use serde_json::{Map, Value, json};
use support::{Read, head};

/// A request whose last message is this beginning of an answer.
fn begun(model: &str, parts: Vec<Part>) -> Request {
    let mut request = Request::from("hi").with_model(model);
    Arc::make_mut(&mut request.messages).push(Message::new(Role::Assistant, parts));
    request.continue_final_message = true;
    request
}

/// What is sent once the target took out what it lacks, which has to be nothing.
fn sent(provider: &dyn Provider, mut request: Request) -> (String, Value) {
    assert_eq!(provider.fit(&mut request), [], "{request:?}");
    let sent = provider.encode(&request).unwrap();
    (sent.uri().path().to_owned(), serde_json::from_slice(sent.body()).unwrap())
}

fn last(provider: &dyn Provider, request: Request) -> Value {
    sent(provider, request).1["messages"].as_array().unwrap().last().unwrap().clone()
}

/// Thinking that was not signed, because it was cut off, and words with an empty one among them.
fn thought() -> Vec<Part> {
    vec![Part::reasoning("Hm"), Part::text(""), Part::text("Hello, "), Part::text("I \n")]
}

fn signed(wire: &'static str) -> Part {
    Part::Reasoning {
        text: "Hm.".into(),
        signature: Some("c2ln".into()),
        wire: wire.into(),
        extra: Map::new(),
    }
}

fn call(by: ToolBy, input: &str) -> Part {
    Part::ToolCall { id: "c1".into(), name: "web_search".into(), input: input.into(), by, extra: Map::new() }
}

#[test]
fn claude_takes_neither_thinking_nor_a_blank_at_the_end() {
    let text = |text: &str| json!({"type": "text", "text": text});
    for (name, model) in [
        ("anthropic.messages", "claude-haiku-4-5"),
        ("bedrock.invoke.anthropic", "anthropic.claude-haiku-4-5-20251001-v1:0"),
    ] {
        let provider = wire(name, None).unwrap();
        let last = |parts| last(&*provider, begun(model, parts))["content"].clone();
        assert_eq!(last(vec![Part::text("Hello, I \n")]), json!([text("Hello, I")]));
        assert_eq!(last(thought()), json!([text("Hello, "), text("I")]));
        let redacted = json!({"type": "redacted_thinking", "data": "x"});
        let parts = vec![
            signed("anthropic.messages"),
            Part::opaque("anthropic.messages", "redacted_thinking", redacted),
            Part::text("Hello"),
        ];
        assert_eq!(last(parts), json!([text("Hello")]), "thinking is off: the last message can't hold any");
        let result = json!({"type": "web_search_tool_result", "tool_use_id": "c1", "content": []});
        let parts = vec![
            Part::text("I look."),
            call(ToolBy::Provider, r#"{"query":"q"}"#),
            Part::opaque("anthropic.messages", "web_search_tool_result", result.clone()),
            Part::text("It is "),
        ];
        let run =
            json!({"type": "server_tool_use", "id": "c1", "name": "web_search", "input": {"query": "q"}});
        assert_eq!(last(parts), json!([text("I look."), run, result, text("It is")]));
    }
    let converse = wire("bedrock.converse", None).unwrap();
    let last = |model: &str, parts| last(&*converse, begun(model, parts))["content"].clone();
    let claude = "anthropic.claude-haiku-4-5-20251001-v1:0";
    let parts = vec![signed("bedrock.converse"), Part::text("Hello, "), Part::text("I \n")];
    assert_eq!(last(claude, parts), json!([{"text": "Hello, "}, {"text": "I"}]));
    assert_eq!(last("amazon.nova-lite-v1:0", vec![Part::text("Hello, I ")]), json!([{"text": "Hello, I "}]));
}

/// Each server of OpenAI's wire: the last message, and what stands beside the messages.
#[test]
fn servers_of_openais_wire_have_words_of_their_own() {
    let open = |mark: &str| json!({"role": "assistant", "content": "Hello, I \n", mark: true});
    let plain = json!({"role": "assistant", "content": "Hello, I \n"});
    let both = json!({"continue_final_message": true, "add_generation_prompt": false});
    let cases = [
        ("mistral", "mistral-large-latest", open("prefix"), json!({})),
        ("deepseek", "deepseek-chat", open("prefix"), json!({})),
        ("moonshot", "kimi-k2.5", open("partial"), json!({})),
        ("alibaba", "qwen-plus", open("partial"), json!({})),
        ("vllm", "m", plain.clone(), both.clone()),
        ("llama_cpp", "m", plain.clone(), both),
        ("sglang", "m", plain.clone(), json!({"continue_final_message": true})),
        ("groq", "llama-3.3-70b-versatile", plain.clone(), json!({})),
        ("ollama", "qwen3", plain.clone(), json!({})),
        ("openrouter", "meta-llama/llama-4-maverick", plain, json!({})),
    ];
    for (host, model, message, beside) in cases {
        let provider = wire("openai.chat", Some(host)).unwrap();
        let request = begun(model, vec![Part::text("Hello, I \n")]);
        let (_, mut body) = sent(&*provider, request.clone());
        let messages = body["messages"].take();
        let own = body.as_object_mut().unwrap();
        own.retain(|name, _| name != "messages" && name != "model");
        assert_eq!((&messages[1], &Value::Object(own.clone())), (&message, &beside), "{host}");
        // Several texts are one: servers that know of a beginning want it in one piece.
        let parts = vec![Part::text(""), Part::text("Hello, "), Part::text("I \n")];
        assert_eq!(last(&*provider, begun(model, parts)), message, "{host}");
        // An answer in the middle of the conversation is none to be gone on with.
        let mut earlier = request;
        Arc::make_mut(&mut earlier.messages).push(Message::user("go on"));
        earlier.continue_final_message = false;
        let (_, body) = sent(&*provider, earlier);
        assert!(body["messages"][1].get("prefix").or(body["messages"][1].get("partial")).is_none(), "{host}");
    }
}

#[test]
fn thinking_goes_along_where_the_server_has_a_field_for_it() {
    let cases = [
        ("deepseek", json!({"reasoning_content": "Hm", "content": "Hello, I \n", "prefix": true})),
        ("moonshot", json!({"reasoning_content": "Hm", "content": "Hello, I \n", "partial": true})),
        ("vllm", json!({"reasoning_content": "Hm", "content": "Hello, I \n"})),
        ("groq", json!({"reasoning": "Hm", "content": "Hello, I \n"})),
        ("openrouter", json!({"reasoning": "Hm", "content": "Hello, I \n"})),
    ];
    for (host, mut expected) in cases {
        expected["role"] = "assistant".into();
        let provider = wire("openai.chat", Some(host)).unwrap();
        assert_eq!(last(&*provider, begun("m", thought())), expected, "{host}");
    }
    let mistral = last(&*wire("openai.chat", Some("mistral")).unwrap(), begun("m", thought()));
    let text = |text: &str| json!({"type": "text", "text": text});
    let content = json!([{"type": "thinking", "thinking": [text("Hm")]}, text("Hello, "), text("I \n")]);
    assert_eq!(mistral, json!({"role": "assistant", "prefix": true, "content": content}));
    let ollama = last(&*wire("ollama.chat", None).unwrap(), begun("qwen3", thought()));
    assert_eq!(ollama, json!({"role": "assistant", "thinking": "Hm", "content": "Hello, I \n"}));
}

/// DeepSeek's "Chat Prefix Completion": `base_url` has to be `https://api.deepseek.com/beta`.
#[test]
fn deepseek_goes_on_below_beta() {
    let at = |base: &'static str, continues: bool| {
        let provider =
            OpenAi::new(hosts::find("deepseek").unwrap()).with_base_url(http::Uri::from_static(base));
        let mut request = begun("deepseek-chat", vec![Part::text("Hello")]);
        request.continue_final_message = continues;
        provider.encode(&request).unwrap().uri().to_string()
    };
    let beta = "https://api.deepseek.com/beta/chat/completions";
    for base in ["https://api.deepseek.com", "https://api.deepseek.com/beta", "https://api.deepseek.com/v1/"]
    {
        assert_eq!(at(base, true), beta, "{base}");
    }
    assert_eq!(
        at("https://gate.example/deepseek?k=1", true),
        "https://gate.example/deepseek/beta/chat/completions?k=1"
    );
    assert_eq!(at("https://api.deepseek.com", false), "https://api.deepseek.com/chat/completions");
    assert_eq!(at("https://api.deepseek.com/beta", false), beta);
}

#[test]
fn what_one_side_writes_the_other_reads() {
    let cases = [
        ("openai.chat", Some("mistral"), "m"),
        ("openai.chat", Some("deepseek"), "m"),
        ("openai.chat", Some("moonshot"), "m"),
        ("openai.chat", Some("alibaba"), "qwen-plus"),
        ("openai.chat", Some("vllm"), "m"),
        ("openai.chat", Some("sglang"), "m"),
        ("openai.chat", Some("llama_cpp"), "m"),
        ("anthropic.messages", None, "claude-haiku-4-5"),
        ("bedrock.invoke.anthropic", None, "anthropic.claude-haiku-4-5-20251001-v1:0"),
        ("bedrock.converse", None, "anthropic.claude-haiku-4-5-20251001-v1:0"),
        ("ollama.chat", None, "qwen3"),
    ];
    for (name, host, model) in cases {
        let provider = wire(name, host).unwrap();
        let mut request = begun(model, vec![Part::text("Hello, I")]);
        request.max_tokens = Some(9);
        let read = endpoint(name).unwrap().request(&provider.encode(&request).unwrap()).unwrap();
        assert_eq!(read, request, "{name} {host:?}");
    }
}

#[test]
fn an_endpoint_reads_what_clients_say() {
    let read = |body: Value| {
        let request = http::Request::post("/v1/chat/completions").body(body.to_string().into()).unwrap();
        endpoint("openai.chat").unwrap().request(&request)
    };
    let user = json!({"role": "user", "content": "hi"});
    let said = |mark: Value| {
        let mut message = json!({"role": "assistant", "content": "Hello"});
        message.as_object_mut().unwrap().extend(mark.as_object().unwrap().clone());
        message
    };
    let chat = |messages: Value| read(json!({"model": "m", "messages": messages})).unwrap();
    let marked = chat(json!([user, said(json!({"prefix": true}))]));
    assert!(marked.continue_final_message && marked.messages[1].extra.is_empty());
    // Mistral's clients say of every message whether it is a beginning.
    let unmarked = chat(json!([user, said(json!({"prefix": false})), user, said(json!({"prefix": false}))]));
    assert!(!unmarked.continue_final_message);
    assert!(unmarked.messages.iter().all(|message| message.extra.is_empty()));
    // Without a mark this wire begins anew.
    assert!(!chat(json!([user, said(json!({}))])).continue_final_message);
    let switched = |add: Value| {
        read(
            json!({"messages": [user, said(json!({}))], "continue_final_message": true, "add_generation_prompt": add}),
        )
    };
    let switched_on = switched(json!(false)).unwrap();
    assert!(switched_on.continue_final_message && switched_on.extra.is_empty(), "{switched_on:?}");
    assert!(switched(Value::Null).unwrap().continue_final_message);
    assert_eq!(
        switched(json!(true)).unwrap_err().message(),
        "add_generation_prompt: must be false beside continue_final_message"
    );
    let plain = read(json!({"messages": [user], "add_generation_prompt": false})).unwrap();
    assert_eq!(plain.extra["add_generation_prompt"], false, "alone it is the server's business");
    // Where a last message of the assistant's says it all, one that ends in a call of a server's tool waits for more.
    let post = |path: &str, body: Value| http::Request::post(path).body(body.to_string().into()).unwrap();
    let messages = |content: Value| json!({"model": "m", "max_tokens": 9, "messages": [user, {"role": "assistant", "content": content}]});
    let anthropic = |content| {
        endpoint("anthropic.messages").unwrap().request(&post("/v1/messages", messages(content))).unwrap()
    };
    assert!(anthropic(json!("Hello")).continue_final_message);
    let run = json!({"type": "server_tool_use", "id": "c", "name": "web_search", "input": {}});
    assert!(!anthropic(json!([{"type": "text", "text": "Hello"}, run])).continue_final_message);
}

#[test]
fn an_answer_that_was_cut_off_goes_back_as_it_stands() {
    let parts = |wire: &'static str| vec![Part::text(""), Part::text("Hello"), signed(wire)];
    let thinking = |wire: &'static str| vec![signed(wire)];
    let asked = |parts: Vec<Part>| {
        let mut request = begun("m", parts);
        Arc::make_mut(&mut request.messages).push(Message::user("go on"));
        request.continue_final_message = false;
        request
    };
    let anthropic = wire("anthropic.messages", None).unwrap();
    let text = |text: &str| json!({"type": "text", "text": text});
    let (hi, go_on) = (text("hi"), text("go on"));
    let (_, body) = sent(&*anthropic, asked(parts("anthropic.messages")));
    assert_eq!(
        body["messages"][1],
        json!({"role": "assistant", "content": [text("Hello")]}),
        "no thinking at the end"
    );
    let (_, body) = sent(&*anthropic, asked(thinking("anthropic.messages")));
    assert_eq!(body["messages"], json!([{"role": "user", "content": [hi, go_on]}]));
    let whole = vec![signed("anthropic.messages"), Part::text("Hello")];
    let (_, body) = sent(&*anthropic, asked(whole));
    assert_eq!(
        body["messages"][1]["content"][0]["signature"], "c2ln",
        "what comes to words keeps its thinking"
    );

    let converse = wire("bedrock.converse", None).unwrap();
    let turns = |model: &str, parts| {
        let mut request = asked(parts);
        request.model = Some(model.into());
        sent(&*converse, request).1["messages"].clone()
    };
    let claude = "us.anthropic.claude-opus-4-6-v1";
    let once = json!([{"role": "user", "content": [{"text": "hi"}, {"text": "go on"}]}]);
    assert_eq!(turns(claude, thinking("bedrock.converse")), once);
    assert_eq!(turns(claude, parts("bedrock.converse"))[1]["content"], json!([{"text": "Hello"}]));
    let kept = turns("amazon.nova-lite-v1:0", parts("bedrock.converse"));
    assert_eq!(kept[1]["content"].as_array().unwrap().len(), 2, "others are not known to refuse it");

    let responses = wire("openai.responses", None).unwrap();
    let items = |parts| sent(&*responses, asked(parts)).1["input"].as_array().unwrap().clone();
    let kinds = |parts| items(parts).iter().map(|item| item["type"].clone()).collect::<Vec<_>>();
    let whole = vec![signed("openai.responses"), Part::text(""), Part::text("Hello")];
    assert_eq!(kinds(whole.clone()), ["message", "reasoning", "message", "message"]);
    assert_eq!(items(whole)[2]["content"], "Hello");
    let called = vec![signed("openai.responses"), call(ToolBy::Client, "{}")];
    assert_eq!(kinds(called), ["message", "reasoning", "function_call", "message"]);

    let cohere = wire("cohere.chat", None).unwrap();
    let (_, body) = sent(&*cohere, asked(vec![Part::text(""), Part::reasoning("Hm"), Part::text("Hello")]));
    let content = json!([{"type": "thinking", "thinking": "Hm"}, {"type": "text", "text": "Hello"}]);
    assert_eq!(body["messages"][1]["content"], content);
    let openai = wire("openai.chat", Some("openai")).unwrap();
    let message = |parts| sent(&*openai, asked(parts)).1["messages"][1].clone();
    let hello = json!({"role": "assistant", "content": "Hello"});
    assert_eq!(message(vec![Part::text(""), Part::reasoning("Hm"), Part::text("Hello")]), hello);
    assert_eq!(message(vec![Part::text("")])["content"], "");
}

/// Mistral says the beginning again, its last blank with the next piece; ours is the answer without it.
#[test]
fn a_beginning_that_is_said_again_is_taken_out() {
    let mistral = wire("openai.chat", Some("mistral")).unwrap();
    let read = |beginning: &str, pieces: &[&str]| {
        let mut request = begun("m", vec![Part::text(beginning)]);
        request.stream = true;
        let delta = |text: &&str| json!({"id": "a", "model": "m", "choices": [{"index": 0, "delta": {"content": text}}]});
        let end = json!({"id": "a", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
        let frames: Vec<String> =
            pieces.iter().map(delta).chain([end]).map(|chunk| format!("data: {chunk}\n\n")).collect();
        let body = format!("{}data: [DONE]\n\n", frames.concat());
        let head = head(200, [("content-type", "text/event-stream")]);
        let uncut = Read::new(&*mistral, &request, &head, [body.as_bytes()]);
        assert!(uncut.error.is_none(), "{:?}", uncut.error);
        for cut in 0..=body.len() {
            let (one, two) = body.as_bytes().split_at(cut);
            assert_eq!(
                Read::new(&*mistral, &request, &head, [one, two]).essence(),
                uncut.essence(),
                "w1: {cut}"
            );
        }
        uncut.completion().text()
    };
    assert_eq!(read("Hello, I", &["Hello, I", " am"]), " am");
    assert_eq!(read("Hello, I ", &["Hello, I", " am"]), "am");
    assert_eq!(read("Hello, I", &["Hel", "lo, ", "I am", " here"]), " am here");
    assert_eq!(read("Hello, I", &[" am", " here"]), " am here", "not every server says it");
    assert_eq!(read("Hello, I", &["Hel", "p me"]), "Help me", "what begins alike is not the beginning");
    assert_eq!(read("Hello, I", &["Hello"]), "Hello");
    assert_eq!(read("Hello, I ", &["Hello, I"]), "", "nothing new was said");
    assert_eq!(read("Hello, I", &["", "Hello, I", " am", "Hello, I"]), " amHello, I", "only once");
    let mut request = begun("m", vec![Part::text("Hello, I")]);
    let body = json!({"id": "a", "model": "m", "choices": [{"index": 0, "finish_reason": "stop",
        "message": {"role": "assistant", "content": "Hello, I am"}}]});
    let head = head(200, [("content-type", "application/json")]);
    let whole = |request: &Request| {
        Read::new(&*mistral, request, &head, [body.to_string().as_bytes()]).completion().text()
    };
    assert_eq!(whole(&request), " am");
    request.continue_final_message = false;
    assert_eq!(whole(&request), "Hello, I am");
}

/// Claude takes no blank at the end of a beginning, and may begin with it: ours goes on behind the blank.
#[test]
fn a_blank_that_was_not_sent_is_not_said_twice() {
    let provider = wire("anthropic.messages", None).unwrap();
    let read = |beginning: &str, pieces: &[&str]| {
        let mut request = begun("claude-haiku-4-5", vec![Part::text(beginning)]);
        request.stream = true;
        let event = |event: Value| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap());
        let message = json!({"id": "m", "type": "message", "role": "assistant", "content": [], "model": "m"});
        let block = json!({"type": "text", "text": ""});
        let delta = |text: &&str| {
            event(
                json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}),
            )
        };
        let body = [
            event(json!({"type": "message_start", "message": message})),
            event(json!({"type": "content_block_start", "index": 0, "content_block": block})),
            pieces.iter().map(delta).collect(),
            event(json!({"type": "content_block_stop", "index": 0})),
            event(json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}})),
            event(json!({"type": "message_stop"})),
        ]
        .concat();
        let head = head(200, [("content-type", "text/event-stream")]);
        let read = Read::new(&*provider, &request, &head, [body.as_bytes()]);
        assert!(read.error.is_none(), "{:?}", read.error);
        read.completion().text()
    };
    assert_eq!(read("Hello, I ", &[" am", " here"]), "am here");
    assert_eq!(read("Hello, I ", &["am", " here"]), "am here");
    assert_eq!(read("{\n  ", &["\n", "  \"a\": 1}"]), "\"a\": 1}");
    assert_eq!(read("Hello, I", &[" am"]), " am", "what was sent whole is gone on with as it comes");
    assert_eq!(read("Hello, I\n", &[" am"]), " am", "another blank is a new one");
}
