package dev.come.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.come.FailedException;
import dev.come.UsageException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class CheckpointWriterTests {
    private static final List<TensorSpec> ONE_TENSOR = List.of(new TensorSpec("x", DType.F32, List.of(4L)));

    @TempDir
    private Path parent;
    private Path target;

    @BeforeEach
    void chooseATarget() {
        target = parent.resolve("out");
    }

    @Test
    void writesAGoldenModelAgainByteForByte() throws IOException {
        Path source = Fixtures.goldenModel("llama-gqa");
        rewrite(source, writer -> writer.source(source));
        assertThat(target.resolve("model.safetensors")).hasSameBinaryContentAs(source.resolve("model.safetensors"));
        assertThat(target.resolve("config.json")).content()
                .isEqualTo(Files.readString(source.resolve("config.json")).strip() + "\n");
        assertThat(names(target)).containsExactly("config.json", "model.safetensors"); // and not config-4x.json
        assertThat(names(parent)).containsExactly("out");
    }

    @ParameterizedTest
    @EnumSource
    void writesTensorsOfEveryType(DType dtype) {
        TensorSpec spec = new TensorSpec("x", dtype, List.of(2L, 2L));
        writer().write(List.of(spec), CheckpointWriterTests::ones);
        try (Checkpoint checkpoint = Checkpoint.open(target);
                Tensor expected = ones(spec);
                Tensor found = checkpoint.tensor("x")) {
            assertThat(found.data_ptr().capacity(spec.byteLength()).asByteBuffer())
                    .isEqualTo(expected.data_ptr().capacity(spec.byteLength()).asByteBuffer());
        }
    }

    @Test
    void writesWhatATransposedViewShows() {
        TensorSpec spec = new TensorSpec("x", DType.I64, List.of(3L, 2L));
        writer().write(List.of(spec), _ -> {
            try (Tensor rows = torch.arange(new Scalar(6))) {
                return rows.view(2, 3).t();
            }
        });
        try (Checkpoint checkpoint = Checkpoint.open(target); Tensor x = checkpoint.tensor("x")) {
            assertThat(x.select(0, 0).select(0, 1).item_int()).isEqualTo(3);
            assertThat(x.select(0, 2).select(0, 0).item_int()).isEqualTo(2);
        }
    }

    @Test
    void spreadsTensorsOverShardsInTheirOrder() {
        List<TensorSpec> tensors = Stream.of("d", "c", "b", "a")
                .map(name -> new TensorSpec(name, DType.F32, List.of(4L)))
                .toList();
        writer().maxShardBytes(40).write(tensors, CheckpointWriterTests::ones);
        assertThat(names(target)).containsExactly("config.json", "model-00001-of-00002.safetensors",
                "model-00002-of-00002.safetensors", "model.safetensors.index.json");
        assertThat(target.resolve("model.safetensors.index.json")).hasContent("""
                {
                  "metadata": {
                    "total_size": 64
                  },
                  "weight_map": {
                    "a": "model-00002-of-00002.safetensors",
                    "b": "model-00002-of-00002.safetensors",
                    "c": "model-00001-of-00002.safetensors",
                    "d": "model-00001-of-00002.safetensors"
                  }
                }
                """);
        try (Checkpoint checkpoint = Checkpoint.open(target)) {
            assertThat(checkpoint.tensors()).extracting(TensorInfo::name).containsExactly("d", "c", "b", "a");
        }
    }

    @Test
    void givesATensorThatIsLargerThanAShardOneOfItsOwn() {
        List<TensorSpec> tensors = Stream.of(1L, 9L, 1L)
                .map(size -> new TensorSpec("t" + size, DType.F32, List.of(size)))
                .toList();
        assertThat(Shard.plan(tensors, 10)).extracting(Shard::tensors).extracting(List::size).containsExactly(1, 1, 1);
        assertThat(Shard.plan(List.of(), 10)).containsExactly(new Shard("model.safetensors", List.of()));
    }

    @Test
    void asksForOneTensorAtATimeAndReleasesIt() {
        List<TensorSpec> tensors = Stream.of("a", "b", "c").map(name -> new TensorSpec(name, DType.F32, List.of(4L)))
                .toList();
        List<Tensor> handedOut = new ArrayList<>();
        writer().write(tensors, spec -> {
            assertThat(handedOut).allMatch(tensor -> tensor.isNull());
            handedOut.add(ones(spec));
            return handedOut.getLast();
        });
        assertThat(handedOut).hasSize(3).allMatch(tensor -> tensor.isNull());
    }

    @Test
    void copiesWhatStillHolds() throws IOException {
        Path source = Files.createDirectories(parent.resolve("source"));
        for (String copied : List.of("tokenizer.json", "tokenizer.model", "merges.txt", "LICENSE", "vocab.json",
                "additional_chat_templates/tool.jinja")) {
            Files.createDirectories(source.resolve(copied).getParent());
            Files.writeString(source.resolve(copied), copied);
        }
        for (String left : List.of("README.md", "come.json", "come-steps.json", "model-00001-of-00009.safetensors",
                "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json", "model.Q4.gguf",
                "consolidated.00.pth", "original/params.json")) {
            Files.createDirectories(source.resolve(left).getParent());
            Files.writeString(source.resolve(left), left);
        }
        Files.createSymbolicLink(source.resolve("added_tokens.json"), source.resolve("tokenizer.json"));
        writer().source(source).file("README.md", "a new card").write(ONE_TENSOR, CheckpointWriterTests::ones);
        assertThat(names(target)).containsExactly("LICENSE", "README.md", "added_tokens.json",
                "additional_chat_templates", "config.json", "merges.txt", "model.safetensors", "tokenizer.json",
                "tokenizer.model", "vocab.json");
        assertThat(target.resolve("README.md")).hasContent("a new card");
        assertThat(target.resolve("added_tokens.json")).isRegularFile().hasContent("tokenizer.json");
        assertThat(target.resolve("additional_chat_templates/tool.jinja")).exists();
    }

    @Test
    void givesThePermissionsThatTheUmaskLeaves() throws IOException {
        Path source = Files.createDirectories(parent.resolve("source"));
        Files.writeString(source.resolve("tokenizer.json"), "{}");
        Files.setPosixFilePermissions(source.resolve("tokenizer.json"), PosixFilePermissions.fromString("r--r--r--"));
        Set<PosixFilePermission> ofFolders = Files.getPosixFilePermissions(Files.createDirectory(parent.resolve("d")));
        Set<PosixFilePermission> ofFiles = Files.getPosixFilePermissions(Files.createFile(parent.resolve("f")));
        writer().source(source).file("README.md", "").write(ONE_TENSOR, CheckpointWriterTests::ones);
        assertThat(Files.getPosixFilePermissions(target)).isEqualTo(ofFolders);
        for (String file : names(target)) {
            assertThat(Files.getPosixFilePermissions(target.resolve(file))).as(file).isEqualTo(ofFiles);
        }
    }

    private Path source(String modes, String weights) throws IOException {
        Path source = Files.createDirectories(parent.resolve("source"));
        Files.setPosixFilePermissions(source, PosixFilePermissions.fromString(modes));
        for (String file : List.of("config.json", "tokenizer.json", "LICENSE", "model-1.safetensors",
                "model-2.safetensors")) {
            Files.writeString(source.resolve(file), "{}");
        }
        Files.setPosixFilePermissions(source.resolve("model-2.safetensors"), PosixFilePermissions.fromString(weights));
        return source;
    }

    @Test
    void letsNobodyReadTheWeightsWhoMayNotReadThoseOfTheSource() throws IOException {
        Path source = source("rwxr-x---", "r--------");
        Files.setPosixFilePermissions(source.resolve("LICENSE"), PosixFilePermissions.fromString("rw-r-----"));
        writer().source(source).file("come.json", "{}").maxShardBytes(16)
                .write(List.of(ONE_TENSOR.getFirst(), new TensorSpec("y", DType.F32, List.of(4L))),
                        CheckpointWriterTests::ones);
        Set<PosixFilePermission> ordinary = Files.getPosixFilePermissions(Files.createFile(parent.resolve("f")));
        assertThat(Files.getPosixFilePermissions(target)).isSubsetOf(PosixFilePermissions.fromString("rwxr-x---"));
        for (String file : names(target)) {
            String most = switch (file) {
                case "LICENSE" -> "rw-r-----";
                case "tokenizer.json" -> PosixFilePermissions.toString(ordinary);
                default -> "rw-------";
            };
            assertThat(Files.getPosixFilePermissions(target.resolve(file))).as(file)
                    .isSubsetOf(PosixFilePermissions.fromString(most)).isSubsetOf(ordinary)
                    .containsAll(PosixFilePermissions.fromString("rw-------"));
        }
        assertThat(names(target)).hasSize(7);
    }

    @Test
    void aFileThatTheModelIsMadeFromCountsToo() throws IOException {
        Path file = Files.createFile(parent.resolve("model.gguf"));
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
        writer().madeFrom(file).write(ONE_TENSOR, CheckpointWriterTests::ones);
        for (String name : names(target)) {
            assertThat(Files.getPosixFilePermissions(target.resolve(name))).as(name)
                    .isEqualTo(PosixFilePermissions.fromString("rw-------"));
        }
    }

    @Test
    void refusesAFolderThatIsNotEmpty() throws IOException {
        Files.createDirectories(target);
        Files.writeString(target.resolve("thesis.txt"), "");
        assertThatExceptionOfType(UsageException.class).isThrownBy(() -> writer().checkTarget())
                .withMessageContainingAll(target.toString(), "not empty", "--overwrite");
        assertThatExceptionOfType(UsageException.class).isThrownBy(() -> writer().overwrite(true).checkTarget())
                .withMessageContainingAll(target.toString(), "does not look like a model");
        assertThat(names(target)).containsExactly("thesis.txt");
    }

    @Test
    void takesAnEmptyFolder() throws IOException {
        Files.createDirectories(target);
        writer().write(ONE_TENSOR, CheckpointWriterTests::ones);
        assertThat(names(target)).containsExactly("config.json", "model.safetensors");
    }

    @Test
    void replacesAModelWhenAskedTo() throws IOException {
        fill("tokenizer.json", "LICENSE", "additional_chat_templates/tool.jinja");
        writer().overwrite(true).file("come.json", "{\n  \"format\" : \"come-plan\"\n}").write(List.of(),
                CheckpointWriterTests::ones);
        assertThat(names(target)).containsExactly("come.json", "config.json", "model.safetensors");
        writer().overwrite(true).write(ONE_TENSOR, CheckpointWriterTests::ones);
        assertThat(names(target)).containsExactly("config.json", "model.safetensors");
        assertThat(names(parent)).containsExactly("out");
    }

    /** A model folder that holds more, by the names of that. */
    @ParameterizedTest
    @ValueSource(strings = {"calibration.txt", "steps/old.json", "model.Q4.gguf", ".git/HEAD", "27-layers/config.json",
        "additional_chat_templates/deep/tool.jinja", "pytorch_model.bin", "empty/"})
    void keepsAFolderThatHoldsWhatIsNotOurs(String foreign) throws IOException {
        fill("come.json", foreign);
        assertThatExceptionOfType(UsageException.class).isThrownBy(() -> writer().overwrite(true).checkTarget())
                .withMessageContainingAll(target.toString(), foreign.replaceAll("/$", ""), "is not replaced");
        assertThat(target.resolve(foreign)).exists();
    }

    @Test
    void keepsAFolderThatIsNoModelThoughAFileIsCalledLikeOne() throws IOException {
        Files.createDirectories(target);
        for (String config : List.of("{}", "{\"model_type\": \"llama\"}", "not JSON")) {
            Files.writeString(target.resolve("config.json"), config);
            assertThatExceptionOfType(UsageException.class).isThrownBy(() -> writer().overwrite(true).checkTarget())
                    .withMessageContaining("does not look like a model");
        }
        Files.delete(target.resolve("config.json"));
        Files.writeString(target.resolve("come.json"), "{\"format\": \"another\"}");
        assertThatExceptionOfType(UsageException.class).isThrownBy(() -> writer().overwrite(true).checkTarget())
                .withMessageContaining("does not look like a model");
    }

    @Test
    void keepsAFolderThatTheRunReadsFrom() throws IOException {
        fill("vocab.txt");
        Path link = Files.createSymbolicLink(parent.resolve("link"), target);
        for (Path input : List.of(target, target.resolve("vocab.txt"), link.resolve("vocab.txt"))) {
            assertThatExceptionOfType(UsageException.class)
                    .isThrownBy(() -> writer().overwrite(true).inputs(List.of(input)).checkTarget())
                    .withMessageContainingAll(target + " is not replaced", input + ", which this run reads");
        }
        writer().overwrite(true).inputs(List.of(parent, parent.resolve("out.txt"))).checkTarget();
    }

    @Test
    void keepsWhatIsPutThereWhileItWrites() throws IOException {
        fill();
        assertThatExceptionOfType(UsageException.class)
                .isThrownBy(() -> writer().overwrite(true).write(ONE_TENSOR, spec -> {
                    fill("notes.txt");
                    return ones(spec);
                })).withMessageContaining("it holds notes.txt");
        assertThat(names(target)).containsExactly("config.json", "model.safetensors", "notes.txt");
        assertThat(names(parent)).containsExactly("out");
    }

    /** Makes a model in the target, with more files; a name with a slash at its end is that of a folder. */
    private void fill(String... more) {
        try {
            Files.createDirectories(target);
            Files.writeString(target.resolve("config.json"), "{\"model_type\": \"llama\"}");
            Files.writeString(target.resolve("model.safetensors"), "weights");
            for (String name : more) {
                Path file = target.resolve(name);
                Files.createDirectories(name.endsWith("/") ? file : file.getParent());
                if (!name.endsWith("/")) {
                    Files.writeString(file, name.equals("come.json") ? "{\"format\": \"come-plan\"}" : name);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"source", "source/inside", ".", "link/inside"})
    void refusesToWriteIntoTheSource(String where) throws IOException {
        Path source = Files.createDirectories(parent.resolve("source"));
        Files.createSymbolicLink(parent.resolve("link"), source);
        CheckpointWriter writer = new CheckpointWriter(parent.resolve(where), config()).source(source).overwrite(true);
        assertThatExceptionOfType(UsageException.class).isThrownBy(writer::checkTarget)
                .withMessageContainingAll("which the model is read from", source.toString());
    }

    @Test
    void refusesAFileAsTarget() throws IOException {
        Files.createFile(target);
        assertThatExceptionOfType(UsageException.class).isThrownBy(() -> writer().checkTarget())
                .withMessageContaining("is not a folder that can be made");
    }

    @Test
    void leavesNothingWhenTheTensorsCannotBeMade() {
        target = parent.resolve("new/folders/out");
        assertThatExceptionOfType(IllegalStateException.class).isThrownBy(() -> writer().write(ONE_TENSOR, _ -> {
            throw new IllegalStateException("no such layer");
        }));
        assertThat(names(parent)).isEmpty();
    }

    @Test
    void refusesATensorOtherThanPromised() {
        assertThatExceptionOfType(IllegalArgumentException.class)
                .isThrownBy(() -> writer().write(ONE_TENSOR, _ -> tensor(DType.F32, 5)))
                .withMessageContainingAll("shape=[4]", "shape=[5]");
        assertThat(names(parent)).isEmpty();
    }

    @Test
    void saysThatTheDiskIsFullAndLeavesNothing() throws Exception {
        onSmallDisk("size=256k", disk -> {
            target = disk.resolve("out");
            TensorSpec large = new TensorSpec("x", DType.F32, List.of(1L << 20));
            assertThatExceptionOfType(FailedException.class)
                    .isThrownBy(() -> writer().write(List.of(large), CheckpointWriterTests::ones))
                    .withMessageContainingAll(target.toString(), "No space left on device", "4194304 bytes");
            assertThat(names(disk)).isEmpty();
        });
    }

    @Test
    void saysThatTheFolderAboveMayNotBeWrittenTo() throws Exception {
        onSmallDisk("size=256k,ro", disk -> {
            target = disk.resolve("out");
            assertThatExceptionOfType(FailedException.class).isThrownBy(() -> writer().checkTarget())
                    .withMessageContainingAll(target.toString(), "may not be written to");
        });
    }

    private CheckpointWriter writer() {
        return new CheckpointWriter(target, config());
    }

    private static ConfigTree config() {
        return ConfigTree.create(Path.of("config.json"), root -> root.put("model_type", "llama"));
    }

    private static Tensor ones(TensorSpec spec) {
        return tensor(spec.dtype(), spec.shape().stream().mapToLong(Long::longValue).toArray());
    }

    private static Tensor tensor(DType dtype, long... shape) {
        try (TensorOptions options = new TensorOptions(dtype.scalarType())) {
            return torch.ones(shape, options);
        }
    }

    /** Writes the tensors of a model as they are. */
    private void rewrite(Path source, Consumer<CheckpointWriter> setUp) {
        try (Checkpoint checkpoint = Checkpoint.open(source)) {
            CheckpointWriter writer = new CheckpointWriter(target, checkpoint.config());
            setUp.accept(writer);
            writer.write(checkpoint.tensors().stream().map(info -> TensorSpec.like(info, info.name())).toList(),
                    spec -> checkpoint.tensor(spec.name()));
        }
    }

    private static List<String> names(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** Mounts a file system in memory for the test; only root may, so that elsewhere the test is skipped. */
    private void onSmallDisk(String options, Consumer<Path> test) throws Exception {
        Path disk = Files.createDirectory(parent.resolve("disk"));
        if (!run("mount", "-t", "tmpfs", "-o", options, "tmpfs", disk.toString())) {
            String reason = "skipped: a small file system cannot be mounted here, which only root may do";
            System.out.println("CheckpointWriterTests: " + reason);
            abort(reason);
        }
        try {
            test.accept(disk);
        } finally {
            run("umount", disk.toString());
        }
    }

    private static boolean run(String... command) throws InterruptedException {
        try {
            return new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start().waitFor() == 0;
        } catch (IOException _) {
            return false; // there is no such command
        }
    }
}
