//! What tests stand on: a clock that is moved by hand, seeded randomness, scripted services and transports, and
//! behaviour suites for implementations outside this project.
