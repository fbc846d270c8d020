package dev.come.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import java.util.function.Consumer;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.openblas.global.openblas_nolapack;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.spi.SLF4JServiceProvider;

/** Runs the examples, and holds docs/java.md to them. */
class ExamplesTests {
    @TempDir
    private Path folder;

    private List<String> lines(Consumer<String[]> main) {
        PrintStream before = System.out;
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8)) {
            System.setOut(out);
            main.accept(new String[]{folder.toString()});
        } finally {
            System.setOut(before);
        }
        return bytes.toString(StandardCharsets.UTF_8).lines().toList();
    }

    @Test
    void aModelIsPrunedAndHealed() {
        List<String> lines = lines(PruneAndHeal::main);
        assertThat(lines).hasSize(5);
        assertThat(lines.subList(0, 2)).allMatch(line -> line.matches("REMOVE \\d, left: \\[.*]"));
        assertThat(lines.get(2)).matches("\\d+ of \\d+ parameters in .*small");
        double pruned = Double.parseDouble(lines.get(3).replaceFirst(".* then ", ""));
        assertThat(Double.parseDouble(lines.get(4).replaceFirst(".* healed: ", ""))).isLessThan(pruned);
        assertThat(folder.resolve("healed/model.safetensors")).exists();
        // This process has no flag and no variable, so the library has said that itself.
        assertThat(openblas_nolapack.blas_get_num_threads()).isEqualTo(1);
        assertThat(Pointer.maxPhysicalBytes()).isZero();
    }

    @Test
    void methodsAreCompared() {
        assertThat(lines(CompareMethods::main)).hasSize(3)
                .allMatch(line -> line.matches("[a-z_]+: \\[.*], loss [0-9.]+"));
    }

    @Test
    void aModelIsMeasuredAndTimed() {
        assertThat(lines(MeasureAndTime::main)).hasSize(4).first().asString()
                .matches("llama, \\d+ parameters in 10 layers");
    }

    @Test
    void aRunIsStoppedAndGoesOn() {
        List<String> lines = lines(StopAndGoOn::main);
        assertThat(lines).hasSize(4);
        assertThat(lines.get(0)).startsWith("The run was interrupted").endsWith("(true)");
        assertThat(lines.get(1)).isEqualTo("8 layers left");
        assertThat(lines.get(3)).startsWith("layers(...) is 11");
    }

    @Test
    void aModelIsHandedOn() {
        List<String> lines = lines(ExportAndPublish::main);
        assertThat(lines.getFirst()).contains("cannot be told to llama.cpp", "'WordLevel'");
        assertThat(lines.subList(1, lines.size())).allMatch(line -> line.matches("\\S+: \\d+ bytes"))
                .anyMatch(line -> line.startsWith("model.safetensors: "))
                .noneMatch(line -> line.startsWith("report.html"));
    }

    @Test
    void everySnippetOfTheDocumentIsPartOfAnExample() throws IOException {
        List<List<String>> examples = new ArrayList<>();
        try (Stream<Path> sources = Files.walk(Path.of("src/main/java"))) {
            for (Path source : sources.filter(file -> file.toString().endsWith(".java")).toList()) {
                examples.add(Files.readString(source).lines().map(String::strip).toList());
            }
        }
        List<String> snippets = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL)
                .matcher(Files.readString(Path.of("../docs/java.md"))).results()
                .map((MatchResult found) -> found.group(1)).toList();
        assertThat(snippets).hasSizeGreaterThan(3).allSatisfy(snippet -> {
            List<String> wanted = snippet.lines().map(String::strip).toList();
            assertThat(examples).anySatisfy(example -> assertThat(example).containsSequence(wanted));
        });
    }

    /** An application's own logging stays its own: nothing on the class path here comes from elsewhere than core. */
    @Test
    void theLibraryBringsNoBindingOfSlf4j() {
        assertThat(ServiceLoader.load(SLF4JServiceProvider.class)).isEmpty();
    }
}
