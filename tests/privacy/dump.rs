//! Every byte that the database holds.

use event_analytics::db::Db;
use sea_orm::{ConnectionTrait, Statement};
use uuid::Uuid;

/// What compressed data begins with.
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Where a text occurs: the column, for every value that holds it, as it is or compressed.
pub async fn places(db: &Db, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (table, column) in columns(db).await {
        let sql = if db.is_postgres() {
            let bytes = format!(
                "CASE pg_typeof(\"{column}\")::text WHEN 'bytea' THEN \"{column}\"::text ELSE \
                                 encode(convert_to(\"{column}\"::text, 'UTF8'), 'hex') END"
            );
            format!("SELECT {bytes} FROM \"{table}\" WHERE \"{column}\" IS NOT NULL")
        } else {
            format!("SELECT hex(CAST(\"{column}\" AS BLOB)) FROM \"{table}\" WHERE \"{column}\" IS NOT NULL")
        };
        for row in query(db, &sql).await {
            let hex: String = row.try_get_by_index(0).unwrap();
            if holds(&bytes(hex.trim_start_matches("\\x")), text) {
                found.push(format!("{table}.{column}"));
            }
        }
    }
    found
}

/// Tables that have rows of an app, in order.
pub async fn tables_of(db: &Db, app: Uuid) -> Vec<String> {
    let mut found = Vec::new();
    for (table, column) in columns(db).await {
        if column != "app_id" {
            continue;
        }
        let rows = if db.is_postgres() {
            format!("SELECT COUNT(*) FROM \"{table}\" WHERE app_id = '{app}'")
        } else {
            format!("SELECT COUNT(*) FROM \"{table}\" WHERE app_id IN ('{app}', x'{}')", app.simple())
        };
        if query(db, &rows).await[0].try_get_by_index::<i64>(0).unwrap() > 0 {
            found.push(table);
        }
    }
    found.sort();
    found
}

async fn query(db: &Db, sql: &str) -> Vec<sea_orm::QueryResult> {
    db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap()
}

/// Every column of every table.
async fn columns(db: &Db) -> Vec<(String, String)> {
    let sql = if db.is_postgres() {
        // Partitions themselves, and not the table that they are parts of.
        "SELECT c.table_name::text, c.column_name::text FROM information_schema.columns c \
         JOIN pg_class k ON k.oid = format('public.%I', c.table_name)::regclass \
         WHERE c.table_schema = 'public' AND k.relkind = 'r'"
    } else {
        "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'"
    };
    let rows = query(db, sql).await;
    rows.iter().map(|row| (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap())).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect()
}

fn holds(bytes: &[u8], text: &str) -> bool {
    if bytes.windows(text.len()).any(|part| part == text.as_bytes()) {
        return true;
    }
    let starts = bytes.windows(4).enumerate().filter(|(_, part)| *part == ZSTD).map(|(at, _)| at);
    starts.into_iter().any(|at| {
        let mut unpacked = Vec::new();
        let decoder = zstd::stream::read::Decoder::new(&bytes[at..]).unwrap().single_frame();
        let whole = std::io::copy(&mut std::io::BufReader::new(decoder), &mut unpacked);
        whole.is_ok() && unpacked.windows(text.len()).any(|part| part == text.as_bytes())
    })
}
