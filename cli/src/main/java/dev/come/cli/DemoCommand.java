package dev.come.cli;

import dev.come.FailedException;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code come demo}: prunes the small model that the program carries with it. */
@Command(name = "demo", description = "Prune the small model that comes with the program and show what became of it.")
final class DemoCommand implements Runnable {
    @Option(names = "--save-path", paramLabel = "DIR",
            description = "Folder to write the pruned model to (default: ${DEFAULT-VALUE}).")
    Path savePath = Path.of("come-demo");

    @Override
    public void run() {
        throw new FailedException("come demo is being built");
    }
}
