"""Drop-ins for packages that people already use. Each needs its own package, and is an extra: `belvedere[openai]`."""
