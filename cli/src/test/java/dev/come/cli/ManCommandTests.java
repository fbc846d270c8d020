package dev.come.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.cli.Trial.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class ManCommandTests {
    @TempDir
    private Path folder;

    private Map<String, String> pages() throws IOException {
        Outcome outcome = Trial.run(List.of("man", "--save-path", folder.resolve("share/man1").toString()));
        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
        Map<String, String> pages = new TreeMap<>();
        try (var files = Files.list(folder.resolve("share/man1"))) {
            for (Path file : files.toList()) {
                pages.put(file.getFileName().toString(), Files.readString(file));
            }
        }
        return pages;
    }

    @Test
    void everyCommandHasAPage() throws IOException {
        assertThat(pages().keySet()).contains("come.1", "come-prune.1", "come-heal.1", "come-list.1", "come-families.1")
                .doesNotContain("come-man.1", "come-help.1")
                .hasSize(1 + (int) Main.commandLine(Trial.OFFLINE).getSubcommands().values().stream()
                        .filter(command -> !command.getCommandSpec().usageMessage().hidden()
                                && !command.getCommandSpec().helpCommand())
                        .count());
    }

    @Test
    void everyOptionOfACommandStandsOnItsPage() throws IOException {
        Map<String, String> pages = pages();
        for (Map.Entry<String, CommandLine> command : Main.commandLine(Trial.OFFLINE).getSubcommands().entrySet()) {
            String page = pages.get("come-" + command.getKey() + ".1");
            if (page != null) {
                command.getValue().getCommandSpec().options().stream().filter(option -> !option.hidden())
                        .forEach(option -> assertThat(page).contains(option.longestName().replace("-", "\\-")));
            }
        }
        assertThat(pages.get("come-prune.1")).contains(".SH NAME\ncome\\-prune \\- ",
                "\nRequired. How layers are chosen",
                ".SH EXAMPLE\n.nf\n  come prune \\-\\-method come_auto", ".BR come\\-heal (1)", ".SH \"HEALING\"");
        assertThat(pages.get("come.1")).contains(".SH EXIT STATUS\n0 done, 1 failed", ".SH COMMANDS");
    }
}
