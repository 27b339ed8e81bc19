//! Just enough HTTP/1.1 to keep a connection busy: a full client would take the processor from the
//! server it measures.

use std::io::{Error, Result};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

pub(super) struct Connection {
    stream: TcpStream,
    out: Vec<u8>,
    buffer: Vec<u8>,
}

impl Connection {
    pub(super) async fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, out: Vec::new(), buffer: Vec::new() })
    }

    /// Posts a body and tells the status of the answer.
    pub(super) async fn post(&mut self, key: &str, body: &str) -> Result<u16> {
        self.out.clear();
        let length = body.len();
        let head = format!(
            "POST /api/v1/events HTTP/1.1\r\nhost: bench\r\nx-api-key: {key}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
        );
        self.out.extend_from_slice(head.as_bytes());
        self.out.extend_from_slice(body.as_bytes());
        self.stream.write_all(&self.out).await?;
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(Error::other("the server closed the connection"));
            }
            if let Some((status, whole)) = parse(&self.buffer)
                && self.buffer.len() >= whole
            {
                return Ok(status);
            }
        }
    }
}

/// The status, and how long the whole answer is, once its head is there.
fn parse(answer: &[u8]) -> Option<(u16, usize)> {
    let head = answer.windows(4).position(|end| end == b"\r\n\r\n")?;
    let text = std::str::from_utf8(&answer[..head]).ok()?;
    let status = text.get(9..12)?.parse().ok()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    Some((status, head + 4 + length?))
}
