//! Bodies of Amazon's event stream, made of lines.

use belvedere_core::framing::aws_message;

/// The same input with its body's lines written as messages: the event's name up to the first blank, then the
/// payload. A name that begins with `!` is an exception's, one with `?` an error's code. Checksums are right, which
/// a fuzzer would not find.
pub fn messages(input: &[u8]) -> Vec<u8> {
    let (start, body) = input.split_at(input.len().min(5));
    let mut out = bytes::BytesMut::from(start);
    for line in body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let at = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
        let name = String::from_utf8_lossy(&line[..at]);
        let payload = line.get(at + 1..).unwrap_or_default();
        let (kind, header, name) = match name.split_at_checked(1) {
            Some(("!", name)) => ("exception", ":exception-type", name),
            Some(("?", name)) => ("error", ":error-code", name),
            _ => ("event", ":event-type", &*name),
        };
        aws_message(&[(header, name), (":message-type", kind)], payload, &mut out);
    }
    out.to_vec()
}
