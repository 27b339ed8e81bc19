//! A wire between a server and Postgres that can be held where a statement begins.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy},
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinHandle,
};

/// A wire of one's own to a database.
pub struct Wire {
    url: String,
    name: &'static str,
    gate: Arc<Gate>,
    accepting: JoinHandle<()>,
}

/// Where statements are held.
#[derive(Default)]
struct Gate {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    /// What a statement holds that is to wait.
    text: Option<&'static str>,
    /// Whether one waits.
    holds: bool,
    /// How often that was changed.
    turn: u64,
}

impl Wire {
    /// To the database of this address; `name` is what Postgres knows its connections by.
    pub async fn to(url: &str, name: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (address, database) = url.split_once('@').unwrap().1.split_once('/').unwrap();
        // Statements are sent in words each time, and not by names given to them before.
        let url = format!(
            "postgres://postgres@127.0.0.1:{port}/{database}?application_name={name}&statement-cache-capacity=0"
        );
        let (gate, address) = (Arc::<Gate>::default(), address.to_owned());
        let own = gate.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (gate, server) = (own.clone(), TcpStream::connect(&address).await.unwrap());
                tokio::spawn(carry(client, server, gate));
            }
        });
        Self { url, name, gate, accepting }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// What Postgres knows its connections by.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// From now on statements wait that hold this text; nothing waits without one. What waits goes on.
    pub fn hold(&self, text: Option<&'static str>) {
        let mut state = self.gate.state.lock().unwrap();
        *state = State { text, holds: false, turn: state.turn + 1 };
        self.gate.changed.notify_waiters();
    }

    /// Whether a statement waits.
    pub fn holds(&self) -> bool {
        self.gate.state.lock().unwrap().holds
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn carry(client: TcpStream, server: TcpStream, gate: Arc<Gate>) {
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let answers = tokio::spawn(async move { copy(&mut from_server, &mut to_client).await });
    let mut buffer = vec![0; 1 << 16];
    while let Ok(read @ 1..) = from_client.read(&mut buffer).await {
        gate.pass(&buffer[..read]).await;
        if to_server.write_all(&buffer[..read]).await.is_err() {
            break;
        }
    }
    drop(to_server);
    let _ = answers.await;
}

impl Gate {
    async fn pass(&self, said: &[u8]) {
        let turn = {
            let mut state = self.state.lock().unwrap();
            let is_held = |text: &str| said.windows(text.len()).any(|part| part == text.as_bytes());
            if !state.text.is_some_and(is_held) {
                return;
            }
            state.holds = true;
            state.turn
        };
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if self.state.lock().unwrap().turn != turn {
                return;
            }
            changed.await;
        }
    }
}
