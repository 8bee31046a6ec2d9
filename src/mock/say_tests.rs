use belvedere_core::message::Message;
use belvedere_core::request::Schema;

use super::*;

fn said(request: &Request) -> (String, Option<FinishReason>) {
    let answer = completion(request, &Answer::default());
    (answer.text(), answer.finish_reason())
}

fn weather() -> Function {
    let schema =
        json!({"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}});
    Function::new("weather", "The weather.", schema)
}

#[test]
fn what_was_said_is_repeated() {
    assert_eq!(said(&Request::from("Hi there")), ("You said: Hi there".into(), Some(FinishReason::Stop)));
    let result = Request::new([Message::user("Hi"), Message::tool("call_1", "rain")]);
    assert_eq!(said(&result).0, "The tool says: rain");
    assert_eq!(said(&Request::default()).0, "Hello from the mock server.");
    let answer = completion(&Request::from("Hi there").with_model("m"), &Answer::default());
    assert_eq!(answer.model.as_deref(), Some("m"));
    let usage = answer.usage.unwrap();
    assert_eq!((usage.get(&Class::Input), usage.get(&Class::Output)), (Some(2), Some(4)));
}

#[test]
fn the_token_limit_and_stop_sequences_are_kept() {
    let mut request = Request::from("one two three").with_max_tokens(3);
    assert_eq!(said(&request), ("You said: one ".into(), Some(FinishReason::Length)));
    request.stop = vec!["never".into(), " two".into(), "three".into()];
    request.max_tokens = None;
    let answer = completion(&request, &Answer::default());
    assert_eq!((answer.text().as_str(), answer.finish_reason()), ("You said: one", Some(FinishReason::Stop)));
    assert_eq!(answer.choices[0].finish.as_ref().unwrap().stop_sequence.as_deref(), Some(" two"));
    request.max_tokens = Some(1);
    assert_eq!(said(&request), ("You ".into(), Some(FinishReason::Length)));
}

#[test]
fn a_demanded_tool_is_called_with_arguments_that_fit() {
    let mut request = Request::from("Hi").with_tools([weather(), Function::new("other", "", json!(null))]);
    assert_eq!(said(&request).1, Some(FinishReason::Stop), "a choice is no demand");
    request.tool_choice = Some(ToolChoice::Required);
    let answer = completion(&request, &Answer::default());
    let calls: Vec<_> = answer.tool_calls().collect();
    assert_eq!(
        (calls[0].id, calls[0].name, calls[0].input),
        ("call_1_0_0", "weather", r#"{"city":"city","days":1}"#)
    );
    assert_eq!((calls.len(), answer.finish_reason()), (1, Some(FinishReason::ToolCalls)));
    request.tool_choice = Some(ToolChoice::Function { name: "other".into() });
    let answer = completion(&request, &Answer::default());
    assert_eq!(answer.tool_calls().map(|c| (c.name, c.input)).collect::<Vec<_>>(), [("other", "{}")]);
}

#[test]
fn scripted_calls_come_together_and_may_be_cut_off() {
    let request = Request::from("Hi").with_tools([weather(), Function::new("other", "", json!({}))]);
    let cut = Call {
        name: Some("x".into()),
        input: Some(json!("{\"a\": 1}")),
        truncate: Some(4),
        ..Call::default()
    };
    let answer = Answer { tool_calls: vec![Call::default(), Call::default(), cut], ..Answer::default() };
    let answer = completion(&request, &answer);
    let calls: Vec<_> = answer.tool_calls().map(|c| (c.name, c.input)).collect();
    assert_eq!(calls, [("weather", r#"{"city":"city","days":1}"#), ("other", "{}"), ("x", "{\"a\"")]);
    assert_eq!(answer.finish_reason(), Some(FinishReason::Length));
}

#[test]
fn structured_answers_fit_their_schema() {
    let schema = json!({"type": "object", "properties": {"name": {"type": "string"}}});
    let json_schema = Schema::new("City", schema);
    let request = Request::from("Hi").with_response_format(ResponseFormat::JsonSchema { json_schema });
    assert_eq!(said(&request).0, r#"{"name":"name"}"#);
    let request = Request::from("Hi").with_response_format(ResponseFormat::JsonObject);
    assert_eq!(said(&request).0, r#"{"answer":"You said: Hi"}"#);
}

#[test]
fn reasoning_refusal_and_finish_come_from_the_script() {
    let mut answer = Answer { reasoning: Some("a b".into()), text: Some("c".into()), ..Answer::default() };
    answer.finish_reason = Some("content_filter".into());
    let whole = completion(&Request::from("Hi"), &answer);
    assert_eq!((whole.reasoning().as_deref(), whole.text().as_str()), (Some("a b"), "c"));
    assert_eq!(whole.usage.as_ref().unwrap().get(&Class::Reasoning), Some(2));
    assert_eq!(whole.finish_reason(), Some(FinishReason::ContentFilter));
    answer.finish_reason = Some("bored".into());
    let finish = completion(&Request::from("Hi"), &answer).choices[0].finish.clone().unwrap();
    assert_eq!((finish.reason, finish.raw.as_deref()), (Some(FinishReason::Other), Some("bored")));
    answer.finish_reason = Some("missing".into());
    assert_eq!(completion(&Request::from("Hi"), &answer).choices[0].finish, None);
    let declined = Answer { refusal: Some("No.".into()), usage: false, ..Answer::default() };
    let declined = completion(&Request::from("Hi"), &declined);
    assert_eq!((declined.refusal().as_deref(), declined.text().as_str()), (Some("No."), ""));
    assert_eq!((declined.finish_reason(), declined.usage), (Some(FinishReason::Refusal), None));
}

#[test]
fn more_answers_are_told_apart() {
    let mut request = Request::from("Hi");
    request.n = Some(3);
    let answer = completion(&request, &Answer::default());
    let texts: Vec<_> = answer.choices.iter().map(|c| (c.index, c.parts[0].as_text().unwrap())).collect();
    assert_eq!(texts, [(0, "You said: Hi"), (1, "You said: Hi (answer 2)"), (2, "You said: Hi (answer 3)")]);
}

#[test]
fn tokens_are_words_or_as_long_as_the_script_says() {
    assert_eq!(tokens("a bc  d", None), ["a ", "bc ", " ", "d"]);
    assert_eq!(tokens("äöüß!", Some(2)), ["äö", "üß", "!"]);
    assert_eq!(tokens("", Some(2)), Vec::<&str>::new());
    let answer = completion(&Request::from("Grüße"), &Answer::default());
    let all = events(answer.clone(), Some(3));
    let Event::Usage(read) = &all[1] else { panic!("what was read comes first: {:?}", all[1]) };
    assert_eq!((read.get(&Class::Input), read.get(&Class::Output)), (Some(1), None));
    let text: String = all
        .iter()
        .filter_map(|event| match event {
            Event::Text { delta, .. } => Some(delta.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(text, answer.text());
    assert_eq!(all.iter().filter(|event| matches!(event, Event::Text { .. })).count(), 5);
}

#[test]
fn embeddings_and_models_are_the_same_each_time() {
    let mut request = Request::embed(["a", "b"]);
    let answer = completion(&request, &Answer::default());
    assert_eq!(
        answer.embeddings.iter().map(|e| (e.index, e.vector.len())).collect::<Vec<_>>(),
        [(0, 64), (1, 64)]
    );
    assert_eq!(answer, completion(&request, &Answer::default()));
    request.dimensions = Some(3);
    assert_eq!(completion(&request, &Answer::default()).embeddings[0].vector.len(), 3);
    request.operation = Operation::Models;
    let answer = completion(&request, &Answer { models: vec!["m".into()], ..Answer::default() });
    assert_eq!(answer.models.iter().map(|m| m.id.as_str()).collect::<Vec<_>>(), ["m"]);
}
