"""How every gRPC server is built: errors, names, pages, health, reflection, shutdown."""
