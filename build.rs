//! Sees to it that the folders of the pages exist, so that the server builds without Node as well, and
//! builds the countries of addresses in where they were fetched.

use std::{env, fs, path::Path};

/// Where `make` puts them.
const COUNTRIES: &str = "geo/node_modules/@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb";

fn main() {
    for pages in ["dashboard/dist", "playground/dist", "sdk/dist"] {
        println!("cargo::rerun-if-changed={pages}");
        fs::create_dir_all(pages).expect("the folder of the pages can be made");
    }
    println!("cargo::rerun-if-changed=geo");
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo says where the package is");
    let countries = Path::new(&root).join(COUNTRIES);
    let found = if countries.is_file() { format!("Some(include_bytes!({countries:?}))") } else { "None".to_owned() };
    let to = Path::new(&env::var("OUT_DIR").expect("cargo says where to write")).join("geo.rs");
    fs::write(to, format!("pub(super) static COUNTRIES: Option<&[u8]> = {found};\n"))
        .expect("the folder can be written");
}
