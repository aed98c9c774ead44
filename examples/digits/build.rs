fn main() {
    mixq_build::build();
    // The images that the firmware classifies; a product has a camera instead.
    mixq_build::test_images("digits", usize::MAX);
    // Where the linker finds memory.x.
    println!("cargo::rustc-link-search={}", env!("CARGO_MANIFEST_DIR"));
    println!("cargo::rerun-if-changed=memory.x");
}
