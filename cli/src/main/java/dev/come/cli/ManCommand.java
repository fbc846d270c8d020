package dev.come.cli;

import dev.come.UsageException;
import dev.come.checkpoint.AtomicFile;
import dev.come.checkpoint.IoReason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code come man}: writes the manual pages, one for each command; the distribution holds them. */
@Command(name = "man", hidden = true, description = "Write a manual page of each command into a folder.",
        footer = {"", "Example:", "  come man --save-path share/man/man1"})
final class ManCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Option(names = "--save-path", required = true, paramLabel = "DIR", description = "Folder to write the pages to.")
    private @Nullable Path folder;

    @Override
    public void run() {
        Path written = folder == null ? Path.of("man") : folder; // picocli has refused to run without
        try {
            Files.createDirectories(written);
        } catch (IOException e) {
            throw new UsageException("--save-path: the folder " + written + " cannot be made ("
                    + IoReason.of(e) + ")");
        }
        Map<String, CommandSpec> pages = pages(spec.root());
        pages.forEach(
                (name, command) -> AtomicFile.write(written.resolve(name + ".1"), ManPage.of(command, pages.keySet())));
        spec.commandLine().getOut().println("Pages: " + pages.size() + " in " + written);
    }

    /** The commands that are shown, by the names of their pages. */
    static Map<String, CommandSpec> pages(CommandSpec come) {
        Map<String, CommandSpec> pages = new LinkedHashMap<>();
        pages.put(come.name(), come);
        for (Map.Entry<String, CommandLine> command : come.subcommands().entrySet()) {
            CommandSpec known = command.getValue().getCommandSpec();
            if (!known.usageMessage().hidden() && !known.helpCommand()) {
                pages.put(come.name() + "-" + command.getKey(), known);
            }
        }
        return pages;
    }
}
