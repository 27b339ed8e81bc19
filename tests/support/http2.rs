//! HTTP/2 by hand, for connections that no well-kept client would make.

use tokio::{io::AsyncWriteExt as _, net::TcpStream};

/// How a request begins: its head is whole, and its body either there or not.
const END_HEADERS: u8 = 4;
const END_STREAM: u8 = 1;

/// A frame of this kind.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Greets.
pub async fn greet(connection: &mut TcpStream) {
    let said = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(4, 0, 0, &[])].concat();
    connection.write_all(&said).await.unwrap();
}

/// Asks whether the other side is there.
pub fn ping() -> Vec<u8> {
    frame(6, 0, 0, &[0; 8])
}

/// A request without a body: of a stream, for a path, with headers.
pub fn get(stream: u32, path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    frame(1, END_HEADERS | END_STREAM, stream, &head(0x82, path, headers))
}

/// A request whose JSON is yet to come.
pub fn post(stream: u32, path: &str) -> Vec<u8> {
    frame(1, END_HEADERS, stream, &head(0x83, path, &[("content-type", "application/json")]))
}

/// Method, scheme, path, authority and headers as HPACK writes them without a table of its own.
fn head(method: u8, path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut head = [vec![method, 0x86, 0x04], text(path), vec![0x01], text("127.0.0.1")].concat();
    for (name, value) in headers {
        head.extend([vec![0x00], text(name), text(value)].concat());
    }
    head
}

fn text(text: &str) -> Vec<u8> {
    let mut length = vec![];
    match u8::try_from(text.len()) {
        Ok(short @ ..127) => length.push(short),
        _ => {
            let mut rest = text.len() - 127;
            length.push(127);
            while rest >= 128 {
                length.push(u8::try_from(rest % 128).unwrap() | 128);
                rest /= 128;
            }
            length.push(u8::try_from(rest).unwrap());
        }
    }
    [length, text.as_bytes().to_vec()].concat()
}
