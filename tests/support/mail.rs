//! A mail server that speaks SMTP and keeps what it is given.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// A letter: for whom, and its head and body as they came.
#[derive(Debug, Clone)]
pub struct Letter {
    pub to: String,
    pub text: String,
}

impl Letter {
    /// What follows `mark` in it, to the end of the line.
    pub fn after(&self, mark: &str) -> String {
        // Long lines are broken, and `=` is written as its number, in quoted-printable.
        let text = if self.text.to_lowercase().contains("quoted-printable") {
            self.text.replace("=\r\n", "").replace("=3D", "=")
        } else {
            self.text.clone()
        };
        let (_, rest) = text.split_once(mark).unwrap_or_else(|| panic!("no {mark} in {text}"));
        rest.split("\r\n").next().unwrap().trim().to_owned()
    }
}

/// A running mail server.
pub struct Mailbox {
    pub url: String,
    letters: Arc<Mutex<Vec<Letter>>>,
}

impl Mailbox {
    pub async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let letters = Arc::new(Mutex::new(Vec::new()));
        let kept = letters.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, kept.clone()));
            }
        });
        Self { url, letters }
    }

    pub fn letters(&self) -> Vec<Letter> {
        self.letters.lock().unwrap().clone()
    }

    /// The letter that makes so many, which has to come within a while.
    pub async fn letter(&self, count: usize) -> Letter {
        self.first(|letters| letters.get(count - 1).cloned()).await
    }

    /// A letter with `mark` in it, which has to come within a while.
    pub async fn letter_with(&self, mark: &str) -> Letter {
        self.first(|letters| letters.iter().find(|letter| letter.text.contains(mark)).cloned()).await
    }

    async fn first(&self, find: impl Fn(&[Letter]) -> Option<Letter>) -> Letter {
        for _ in 0..600 {
            if let Some(letter) = find(&self.letters()) {
                return letter;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the letter has not come; {} did", self.letters().len());
    }
}

/// RFC 5321, as far as a client that only sends has to see it.
async fn serve(stream: TcpStream, letters: Arc<Mutex<Vec<Letter>>>) -> std::io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    writer.write_all(b"220 mail.example ESMTP\r\n").await?;
    let mut to = String::new();
    while let Some(line) = lines.next_line().await? {
        let command = line.to_ascii_uppercase();
        let reply = match command.split([' ', ':']).next().unwrap_or_default() {
            "EHLO" => "250-mail.example\r\n250 8BITMIME",
            "HELO" | "MAIL" | "NOOP" | "RSET" => "250 OK",
            "RCPT" => {
                to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                "250 OK"
            }
            "DATA" => {
                writer.write_all(b"354 Go on\r\n").await?;
                let mut text = String::new();
                while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                    text.push_str(line.strip_prefix('.').unwrap_or(&line));
                    text.push_str("\r\n");
                }
                letters.lock().unwrap().push(Letter { to: to.clone(), text });
                "250 OK"
            }
            "QUIT" => return writer.write_all(b"221 Bye\r\n").await,
            _ => "502 No",
        };
        writer.write_all(format!("{reply}\r\n").as_bytes()).await?;
    }
    Ok(())
}
