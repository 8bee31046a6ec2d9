//! Any JSON as a message: it is refused in words, or it is a message whose own JSON form is the same message.

#![no_main]

use belvedere_core::error::ErrorKind;
use belvedere_core::message::Message;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|input: &[u8]| {
    let Ok(value) = serde_json::from_slice::<Value>(input) else { return };
    match Message::from_json(value, "messages[0]") {
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidRequest);
            assert!(error.message().starts_with("messages[0]"), "{error}");
        }
        Ok(message) => {
            let form = serde_json::to_value(&message).expect("a message has a JSON form");
            let again = Message::from_json(form, "messages[0]").expect("and it is readable");
            assert_eq!(again, message);
        }
    }
});
