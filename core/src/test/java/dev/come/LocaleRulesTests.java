package dev.come;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * No text that the program makes depends on the user's language: under ar-EG, {@code %d} writes other digits than 0 to 9,
 * and under tr-TR, {@code toUpperCase} makes another letter of an i. Read from the sources, so that no new place is missed.
 */
class LocaleRulesTests {
    private static final Path ROOT = Path.of(System.getProperty("come.root"));
    private static final List<String> SOURCES = List.of("core/src/main/java", "cli/src/main/java");

    /** Conversions of {@link java.util.Formatter} that a locale changes. */
    private static final Pattern NUMBER = Pattern.compile("%(\\d+\\$)?[-#+0,(]*\\d*(\\.\\d+)?[dfeEgGaAtT]");

    private static final Pattern LETTERS = Pattern
            .compile("(\\.|::)to(Lower|Upper)Case(\\(\\)|\\s*[,)])|DateTimeFormatter\\.ofPattern\\(\"[^\"]*\"\\)"
                    + "|NumberFormat\\.get\\w*\\(\\)|new DecimalFormat\\(\"[^\"]*\"\\)");

    @Test
    void numbersAreFormattedWithoutTheUsersLocale() throws IOException {
        List<String> found = new ArrayList<>();
        for (Path file : sources()) {
            found.addAll(localised(Files.readString(file)).stream()
                    .map(text -> ROOT.relativize(file) + ": " + text).toList());
        }
        assertThat(found).as("use %%s, or String.format(Locale.ROOT, ...)").isEmpty();
    }

    @Test
    void caseIsChangedWithoutTheUsersLocale() throws IOException {
        List<String> found = new ArrayList<>();
        for (Path file : sources()) {
            Matcher matcher = LETTERS.matcher(Files.readString(file));
            while (matcher.find()) {
                found.add(ROOT.relativize(file) + ": " + matcher.group());
            }
        }
        assertThat(found).as("give Locale.ROOT").isEmpty();
    }

    @Test
    void theSearchFindsWhatItIsFor() {
        assertThat(localised("out = \"%d of %s\".formatted(i, n);")).hasSize(1);
        assertThat(localised("out = String.format(\"%05d\", i);")).hasSize(1);
        assertThat(localised("f(Locale.ROOT); out = \"\"\"\n 50 %% and %.2f \"\"\".formatted(x);")).hasSize(1);
        assertThat(localised("out = String.format(Locale.ROOT, \"%,d\", i);")).isEmpty();
        assertThat(localised("out.printf(\"%-10s|\", name);")).isEmpty();
        assertThat(localised("// \"%d\" in a comment")).isEmpty();
        assertThat(LETTERS.matcher("name.toUpperCase()").find()).isTrue();
        assertThat(LETTERS.matcher("names.map(String::toLowerCase)").find()).isTrue();
        assertThat(LETTERS.matcher("name.toUpperCase(Locale.ROOT)").find()).isFalse();
    }

    private static List<Path> sources() throws IOException {
        List<Path> files = new ArrayList<>();
        for (String folder : SOURCES) {
            try (Stream<Path> found = Files.walk(ROOT.resolve(folder))) {
                found.filter(file -> file.toString().endsWith(".java")).sorted().forEach(files::add);
            }
        }
        assertThat(files).hasSizeGreaterThan(100);
        return files;
    }

    /** Literals with a number in them, in statements that do not name Locale.ROOT before. */
    private static List<String> localised(String source) {
        List<String> found = new ArrayList<>();
        StringBuilder statement = new StringBuilder();
        int at = 0;
        while (at < source.length()) {
            int end = endOfToken(source, at);
            String token = source.substring(at, end);
            if (token.startsWith("\"")) {
                if (NUMBER.matcher(token).find() && statement.indexOf("Locale.ROOT") < 0) {
                    found.add(token);
                }
            } else if (token.equals(";") || token.equals("{") || token.equals("}")) {
                statement.setLength(0);
            } else if (!token.startsWith("/*") && !token.startsWith("//")) {
                statement.append(token);
            }
            at = end;
        }
        return found;
    }

    /** Comments, literals and text blocks are one token; every other character is one too. */
    private static int endOfToken(String source, int at) {
        if (source.startsWith("//", at)) {
            return after(source, "\n", at);
        }
        if (source.startsWith("/*", at)) {
            return after(source, "*/", at + 2);
        }
        if (source.startsWith("\"\"\"", at)) {
            return after(source, "\"\"\"", at + 3);
        }
        char quote = source.charAt(at);
        if (quote != '"' && quote != '\'') {
            return at + 1;
        }
        int end = at + 1;
        while (source.charAt(end) != quote) {
            end += source.charAt(end) == '\\' ? 2 : 1;
        }
        return end + 1;
    }

    private static int after(String source, String mark, int from) {
        int found = source.indexOf(mark, from);
        return found < 0 ? source.length() : found + mark.length();
    }
}
