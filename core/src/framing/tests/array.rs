//! Elements of one JSON array.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

fn elements(body: &str) -> Vec<String> {
    let outcome = whole(Framing::JsonArray, body);
    assert_eq!(outcome.end, Ok(false), "{body}");
    assert_splits(Framing::JsonArray, body);
    outcome.data().into_iter().map(str::to_owned).collect()
}

#[test]
fn each_element_is_a_frame() {
    assert_eq!(elements("[{\"a\":1},\r\n{\"b\":[{}]}\n,\n[[]]]\n"), ["{\"a\":1}", "{\"b\":[{}]}", "[[]]"]);
    assert_eq!(elements(" [ 1 ,-2.5e3,true , null,\"x\" ] "), ["1", "-2.5e3", "true", "null", "\"x\""]);
    assert_eq!(elements("[]"), [""; 0]);
    assert_eq!(elements("[\n]"), [""; 0]);
}

#[test]
fn brackets_commas_and_quotes_in_strings_are_text() {
    let odd = r#"{"a":"]},[{","b":"\"]","c\\":"\\","d":"\u005d\\\""}"#;
    assert_eq!(elements(&format!("[{odd},{odd},\"],\\\"\"]")), [odd, odd, "\"],\\\"\""]);
}

#[test]
fn one_object_instead_of_an_array_is_one_frame() {
    let error = "{\"error\":{\"code\":429,\"message\":\"[slow] {down}\"}}";
    assert_eq!(elements(&format!(" {error}\n")), [error]);
}

#[test]
fn what_is_unfinished_at_the_end_is_dropped() {
    assert_eq!(elements(""), [""; 0]);
    assert_eq!(elements("["), [""; 0]);
    assert_eq!(elements("[1,{\"a\":"), ["1"]);
    assert_eq!(elements("[1,2"), ["1"], "the 2 may have been a 20");
    assert_eq!(elements("[{},"), ["{}"]);
    assert_eq!(elements("{\"error\":"), [""; 0]);
}

#[test]
fn a_body_that_is_no_array_is_malformed() {
    for (body, before) in [
        ("[1] 2", 1),
        ("[1]]", 1),
        ("{} {}", 1),
        ("{}]", 1),
        ("{},", 1),
        ("[,1]", 0),
        ("[1,,2]", 1),
        ("[1,]", 1),
        ("[1 2]", 1),
        ("[{}{}]", 1),
        ("[:]", 0),
        ("<html>", 0),
        ("null", 0),
        ("data: 1\n\n", 0),
    ] {
        let outcome = whole(Framing::JsonArray, body);
        assert_eq!((outcome.end, outcome.frames.len()), (Err(ErrorKind::Malformed), before), "{body}");
        assert_splits(Framing::JsonArray, body);
    }
}

/// Brackets are counted only: the decoder of the element says what is wrong with it.
#[test]
fn an_element_need_not_be_json() {
    assert_eq!(elements("[{],{\"a\"},{]]"), ["{]", "{\"a\"}", "{]"]);
}
