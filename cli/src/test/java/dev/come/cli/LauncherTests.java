package dev.come.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * Runs the script {@code come} in a made-up project, with a made-up JDK and a made-up Maven that only tell how they
 * were called.
 */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "the launcher is a script for a POSIX shell")
class LauncherTests {
    private static final Path REAL_PROJECT = Path.of(System.getProperty("come.root"));
    private static final List<String> POSIX_TOOLS = List.of("cat", "cut", "dirname", "find", "head", "mkdir",
            "readlink",
            "sed", "stty", "tail", "touch");
    private static final String BUILD = """
            #!/bin/sh
            echo "$JAVA_HOME" "$@"
            mkdir -p cli/target
            touch cli/target/come.jar
            """;
    private static final String TELL_ARGUMENTS = "for argument in \"$@\"; do printf '<%s>\\n' \"$argument\"; done\n";

    @TempDir
    private Path temporaryFolder;
    private Path project;
    private Path tools;
    private Path jar;
    private final Map<String, String> variables = new HashMap<>();

    @BeforeEach
    void makeProjectJdkAndMaven() throws IOException {
        // The launcher resolves links; the temporary folder of some systems is one.
        Path folder = temporaryFolder.toRealPath();
        project = folder.resolve("a project");
        tools = Files.createDirectories(folder.resolve("tools"));
        jar = project.resolve("cli/target/come.jar");
        script(project.resolve("come"), Files.readString(REAL_PROJECT.resolve("come")));
        for (String script : List.of("find-jdk", "maven", "start-java")) {
            script(project.resolve("bin").resolve(script),
                    Files.readString(REAL_PROJECT.resolve("bin").resolve(script)));
        }
        write(project.resolve("pom.xml"), "");
        write(project.resolve("cli/pom.xml"), "");
        write(project.resolve("cli/src/main/Main.java"), "");
        for (String tool : POSIX_TOOLS) {
            script(tools.resolve(tool), "#!/bin/sh\nexec " + realTool(tool) + " \"$@\"\n");
        }
        script(tools.resolve("mvn"), BUILD);
        variables.put("PATH", tools.toString());
        variables.put("JAVA25_HOME", jdk("jdk 25", "25.0.3").toString());
    }

    @Test
    void argumentsReachJavaUnchangedAndItsExitCodeComesBack() throws Exception {
        build();
        Result result = come("generate", "--prompt", "two  words", "");
        assertThat(result.out).isEqualTo("<@" + project.resolve("bin/java.options") + ">\n<-jar>\n<" + jar
                + ">\n<generate>\n<--prompt>\n<two  words>\n<>\n");
        assertThat(result.err).isEmpty();
        assertThat(result.exitCode).isEqualTo(7);
    }

    @Test
    void aLinkFromElsewhereStartsTheSame() throws Exception {
        build();
        Path link = Files.createSymbolicLink(tools.resolve("linked come"), project.resolve("come"));
        assertThat(run(link).out).contains("<" + jar + ">");
    }

    @Test
    void moreOptionsForJavaCanBeGiven() throws Exception {
        build();
        variables.put("COME_JAVA_OPTS", "-Xmx4g -Dx=y");
        assertThat(come("demo").out).contains("<-Xmx4g>\n<-Dx=y>\n<-jar>");
    }

    @Test
    void aDistributionKeepsItsClassesAsJavaMapsThem() throws Exception {
        build();
        for (String tool : List.of("awk", "df")) {
            script(tools.resolve(tool), "#!/bin/sh\nexec " + realTool(tool) + " \"$@\"\n");
        }
        Path cache = tools.resolveSibling("cache");
        variables.put("XDG_CACHE_HOME", cache.toString());
        assertThat(come("prune", "--quiet").out).as("not of a build from source").doesNotContain("-XX:");
        variables.put("COME_CLASSES", "123");
        assertThat(come("prune", "--quiet").out).contains("<-XX:+AutoCreateSharedArchive>\n<-XX:SharedArchiveFile="
                + cache + "/come/classes-123.jsa>\n<-Xlog:disable>\n<-jar>");
        assertThat(come("prune", "--help").out).as("which loads little").doesNotContain("-XX:");
        assertThat(come("doctor").out).doesNotContain("-XX:");
        variables.put("COME_JAVA_OPTS", "-Xmx4g");
        assertThat(come("prune").out).as("for which no archive may fit").doesNotContain("-XX:");
        variables.remove("COME_JAVA_OPTS");
        variables.put("XDG_CACHE_HOME", cache + " of mine");
        assertThat(come("prune").out).doesNotContain("-XX:");
        variables.put("XDG_CACHE_HOME", Files.writeString(tools.resolveSibling("file"), "").toString());
        assertThat(come("prune").out).as("where no archive can lie").doesNotContain("-XX:");
        script(tools.resolve("df"), "#!/bin/sh\necho header\necho /dev/x 1000 999 1 99% /\n");
        variables.put("XDG_CACHE_HOME", cache.toString());
        assertThat(come("prune").out).as("a full disk").doesNotContain("-XX:");
    }

    @Test
    void trainingRunsWithTheSameInstructionsOnEveryProcessor() throws Exception {
        build();
        script(Path.of(variables.get("JAVA25_HOME"), "bin/java"),
                "#!/bin/sh\necho ${ATEN_CPU_CAPABILITY:-any} ${OPENBLAS_CORETYPE:-any} ${OPENBLAS_NUM_THREADS:-any}\n");
        assertThat(come("demo", "--seed", "3", "--train=model").out).isEqualTo("avx2 Haswell 1\n");
        assertThat(come("demo", "--train", "model").out).isEqualTo("avx2 Haswell 1\n");
        assertThat(come("demo", "--save-path", "model").out).isEqualTo("any any any\n");
    }

    @Test
    void aLocaleWithoutAllCharactersIsReplacedForJava() throws Exception {
        build();
        script(Path.of(variables.get("JAVA25_HOME"), "bin/java"), "#!/bin/sh\necho ${LC_ALL:-none} ${LANG:-none}\n");
        script(tools.resolve("locale"), "#!/bin/sh\necho ANSI_X3.4-1968\n");
        assertThat(come("demo").out).isEqualTo("C.UTF-8 none\n");
        variables.put("LANG", "xy_XY.UTF-8"); // not installed
        variables.put("LC_ALL", "C");
        assertThat(come("demo").out).isEqualTo("C.UTF-8 xy_XY.UTF-8\n");
        script(tools.resolve("locale"), "#!/bin/sh\necho UTF-8\n");
        variables.remove("LC_ALL");
        assertThat(come("demo").out).isEqualTo("none xy_XY.UTF-8\n");
        Files.delete(tools.resolve("locale"));
        assertThat(come("demo").out).isEqualTo("C.UTF-8 xy_XY.UTF-8\n");
    }

    @Test
    void aFileGetsNoProgressBars() throws Exception {
        build();
        assertThat(come("demo").out).doesNotContain("come.columns");
    }

    @Test
    void theFirstRunBuildsWithTheJdkThatWasFound() throws Exception {
        Result result = come("demo");
        assertThat(result.err).startsWith("come: building from source");
        assertThat(result.err.lines()).hasSize(1);
        assertThat(project.resolve("target/build.log")).content().startsWith(variables.get("JAVA25_HOME"))
                .contains(" package");
        assertThat(result.out).endsWith("<demo>\n");
    }

    @Test
    void aBuildThatIsNewerThanTheSourcesIsTaken() throws Exception {
        build();
        assertThat(come("demo").err).isEmpty();
    }

    @Test
    void changedSourcesAreBuiltAgain() throws Exception {
        build();
        Files.setLastModifiedTime(project.resolve("cli/src/main/Main.java"),
                FileTime.from(Instant.now().plusSeconds(120)));
        assertThat(come("demo").err).startsWith("come: building from source");
    }

    @Test
    void aFailedBuildShowsItsEndAndStartsNothing() throws Exception {
        script(tools.resolve("mvn"), "#!/bin/sh\necho 'cannot compile'\nexit 1\n");
        Result result = come("demo");
        assertThat(result.err).contains("cannot compile\ncome: the build failed");
        assertThat(result.out).isEmpty();
        assertThat(result.exitCode).isEqualTo(1);
    }

    @Test
    void withoutMavenTheWrapperBuilds() throws Exception {
        Files.move(tools.resolve("mvn"), project.resolve("mvnw"));
        Result result = come("demo");
        assertThat(project.resolve("target/build.log")).content().startsWith(variables.get("JAVA25_HOME"))
                .contains(" package");
        assertThat(result.out).endsWith("<demo>\n");
    }

    @Test
    void withoutAJdkThereIsALineToTypeForEverySystem() throws Exception {
        build();
        Path search = project.resolve("bin/find-jdk");
        script(search, Files.readString(search).replaceAll("/(usr|Library|opt)/", "/nowhere/"));
        variables.remove("JAVA25_HOME");
        Result result = come("demo");
        assertThat(result.err).startsWith("come: a JDK 25 or newer is needed")
                .contains("Debian", "apt-get install", "Fedora", "dnf install", "macOS", "brew install", "Windows",
                        "winget install", "JAVA25_HOME");
        assertThat(result.out).isEmpty();
        assertThat(result.exitCode).isEqualTo(69);
    }

    @Test
    void anOlderJdkIsPassedOver() throws Exception {
        build();
        variables.put("JAVA_HOME", variables.get("JAVA25_HOME"));
        variables.put("JAVA25_HOME", jdk("jdk 21", "21.0.1").toString());
        assertThat(come("demo").exitCode).isEqualTo(7);
    }

    private Result come(String... arguments) throws IOException, InterruptedException {
        return run(project.resolve("come"), arguments);
    }

    private Result run(Path command, String... arguments) throws IOException, InterruptedException {
        File out = temporaryFolder.resolve("out").toFile();
        File err = temporaryFolder.resolve("err").toFile();
        ProcessBuilder builder = new ProcessBuilder(
                Stream.concat(Stream.of(command.toString()), Stream.of(arguments)).toList());
        builder.environment().clear();
        builder.environment().putAll(variables);
        int exitCode = builder.directory(tools.toFile()).redirectOutput(out).redirectError(err).start().waitFor();
        return new Result(exitCode, Files.readString(out.toPath()), Files.readString(err.toPath()));
    }

    /** Makes a build that is newer than all sources. */
    private void build() throws IOException {
        write(jar, "");
        Files.setLastModifiedTime(jar, inAMinute());
    }

    private static FileTime inAMinute() {
        return FileTime.from(Instant.now().plusSeconds(60));
    }

    private Path jdk(String name, String version) throws IOException {
        Path home = tools.resolveSibling(name);
        write(home.resolve("release"), "IMPLEMENTOR=\"somebody\"\nJAVA_VERSION=\"" + version + "\"\n");
        script(home.resolve("bin/javac"), "");
        script(home.resolve("bin/java"), "#!/bin/sh\n" + TELL_ARGUMENTS + "exit 7\n");
        return home;
    }

    private static Path realTool(String name) {
        return Stream.of(System.getenv("PATH").split(File.pathSeparator)).map(folder -> Path.of(folder, name))
                .filter(Files::isExecutable).findFirst().orElseThrow();
    }

    private static void script(Path file, String content) throws IOException {
        write(file, content);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private static void write(Path file, String content) throws IOException {
        Files.createDirectories(file.getParent());
        Files.writeString(file, content);
    }

    private record Result(int exitCode, String out, String err) {}
}
