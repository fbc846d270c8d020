package dev.come.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/**
 * The parts of docs/ that are made from the program say what the program says. {@code mvn -pl core,cli verify
 * -Dtest=DocumentsTests -Dcome.test.java=-Dcome.docs=write} writes them anew.
 */
class DocumentsTests {
    private static final Path ROOT = Path.of(System.getProperty("come.root"));
    private static final int COLUMNS = 100;

    /** Two such comments enclose what is made from the program; the first names its source. */
    private static final Pattern PART = Pattern.compile("(<!-- from (\\S+) -->\n).*?(<!-- end -->)", Pattern.DOTALL);

    private static final Pattern TABLE = Pattern.compile("\\* field +\\|.*?\n((?: \\* \\S.*\n)+?) \\* </pre>");

    @Test
    void helpOfEveryCommandIsThatOfTheProgram() throws IOException {
        String help = commands().entrySet().stream().map(command -> "## come %s%n%n```text%n%s```%n"
                .formatted(command.getKey(), help(command.getValue()))).collect(Collectors.joining("\n"));
        compare(ROOT.resolve("docs/commands.md"), part -> "\n" + help + "\n");
    }

    @Test
    void tablesOfFieldsAreThoseOfTheClassesThatWriteThem() throws IOException {
        compare(ROOT.resolve("docs/files.md"), DocumentsTests::table);
    }

    private static Map<String, CommandLine> commands() {
        CommandLine come = Main.commandLine(Trial.OFFLINE).setUsageHelpWidth(COLUMNS);
        return come.getSubcommands().entrySet().stream()
                .filter(command -> !command.getValue().getCommandSpec().usageMessage().hidden())
                .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue, (first, _) -> first,
                        LinkedHashMap::new));
    }

    private static String help(CommandLine command) {
        StringWriter help = new StringWriter();
        command.usage(new PrintWriter(help, true), CommandLine.Help.Ansi.OFF);
        return help.toString().replaceAll("(?m) +$", "");
    }

    /** The table in the Javadoc of a class, in Markdown. */
    private static String table(String source) {
        Matcher table = TABLE.matcher(read(ROOT.resolve("core/src/main/java/dev/come").resolve(source)));
        assertThat(table.find()).as(source + " has a table of fields").isTrue();
        List<String> lines = table.group(1).lines().filter(line -> !line.startsWith(" * ---")).toList();
        return "\n| field | type | meaning, unit | absent |\n| --- | --- | --- | --- |\n"
                + lines.stream().map(DocumentsTests::row).collect(Collectors.joining()) + "\n";
    }

    private static String row(String line) {
        String[] cells = (line.substring(3) + " ").split("\\|", -1);
        assertThat(cells).as(line).hasSize(4);
        return "| `%s` | %s | %s | %s |%n".formatted(cells[0].strip(), cells[1].strip(), cells[2].strip(),
                cells[3].strip()).replaceAll(" +\\|", " |");
    }

    private interface Source {
        /** What stands in a document from a source. */
        String text(String name);
    }

    private static void compare(Path document, Source source) throws IOException {
        String text = read(document);
        assertThat(PART.matcher(text).find()).as(document + " has parts that are made from the program").isTrue();
        String made = PART.matcher(text).replaceAll(part -> Matcher.quoteReplacement(filled(part, source)));
        if (System.getProperty("come.docs", "").equals("write")) {
            Files.writeString(document, made);
        }
        assertThat(read(document)).isEqualTo(made);
    }

    private static String filled(MatchResult part, Source source) {
        return part.group(1) + source.text(part.group(2)) + part.group(3);
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
