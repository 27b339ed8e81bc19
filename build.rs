//! Sees to it that the playground's folder exists, so that the server builds without Node as well.

fn main() {
    println!("cargo::rerun-if-changed=playground/dist");
    std::fs::create_dir_all("playground/dist").expect("playground/dist can be made");
}
