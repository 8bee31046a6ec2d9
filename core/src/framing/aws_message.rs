//! Writing Amazon's event stream: the mirror of what [`Framer`](super::Framer) reads.

use bytes::{BufMut, BytesMut};

use super::aws::OVERHEAD;

/// The type of a header's value that is text.
const TEXT: u8 = 7;

/// Appends one message of Amazon's event stream to `out`, with text headers such as
/// `(":event-type", "messageStart")`.
///
/// A header's name has at most 255 bytes and its value at most 65 535; what is longer is cut off, between
/// characters. A payload that does not fit in a message, which can have 4 GiB, is left out.
///
/// ```
/// use belvedere_core::framing::{Framer, aws_message};
/// use belvedere_core::provider::Framing;
///
/// let mut body = bytes::BytesMut::new();
/// aws_message(&[(":message-type", "event"), (":event-type", "ping")], b"{}", &mut body);
/// let mut framer = Framer::new(Framing::AwsEventStream, 1024);
/// framer.feed(&body, &mut |frame| {
///     assert_eq!((frame.name, frame.data), (Some("ping"), &b"{}"[..]));
///     Ok(())
/// })?;
/// # Ok::<(), belvedere_core::Error>(())
/// ```
pub fn aws_message(headers: &[(&str, &str)], payload: &[u8], out: &mut BytesMut) {
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (cut(name, u8::MAX.into()), cut(value, u16::MAX.into())))
        .collect();
    let header_bytes: usize = headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
    let fits = |payload: &&[u8]| u32::try_from(OVERHEAD + header_bytes + payload.len()).is_ok();
    let payload = Some(payload).filter(fits).unwrap_or_default();

    let mut message = BytesMut::with_capacity(OVERHEAD + header_bytes + payload.len());
    message.put_u32(number(OVERHEAD + header_bytes + payload.len()));
    message.put_u32(number(header_bytes));
    message.put_u32(crc32fast::hash(&message));
    for (name, value) in headers {
        message.put_u8(u8::try_from(name.len()).unwrap_or(u8::MAX));
        message.put_slice(name.as_bytes());
        message.put_u8(TEXT);
        message.put_u16(u16::try_from(value.len()).unwrap_or(u16::MAX));
        message.put_slice(value.as_bytes());
    }
    message.put_slice(payload);
    message.put_u32(crc32fast::hash(&message));
    out.extend_from_slice(&message);
}

fn number(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// The start of `text` that has at most `most` bytes.
fn cut(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or_default()
}
