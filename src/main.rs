fn main() -> std::process::ExitCode {
    summitwatch::command::main()
}
