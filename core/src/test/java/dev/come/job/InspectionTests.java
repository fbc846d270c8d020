package dev.come.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.Golden;
import dev.come.Progress;
import dev.come.SharedData;
import dev.come.UsageException;
import dev.come.WordModels;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.CheckpointException;
import dev.come.checkpoint.CheckpointWriter;
import dev.come.checkpoint.DType;
import dev.come.checkpoint.TensorSpec;
import dev.come.gguf.GgufImport;
import dev.come.gguf.TinyGguf;
import dev.come.hub.Hub;
import dev.come.hub.LocalHub;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is said of a model is the same wherever it lies, and little is read for it. */
class InspectionTests {
    static final List<String> MODELS = Golden.MODELS;
    private static final String EMBEDDING = "model.embed_tokens.weight";

    @TempDir
    private Path folder;

    private static Inspection inspect(Path path) {
        return new ModelSource(path.toString(), Optional.empty()).inspect(() -> {
            throw new AssertionError("the hub is not needed for a path");
        });
    }

    private Inspection inspectOnHub(LocalHub server) {
        try (Hub hub = hub(server)) {
            return new ModelSource("owner/model", Optional.empty()).inspect(() -> hub);
        }
    }

    private Hub hub(LocalHub server) {
        return new Hub(server.settings(folder.resolve("hf")), Progress.NONE);
    }

    /** The same said of a folder that lies elsewhere. */
    private static Inspection of(Path other, Inspection inspection) {
        return new Inspection(other, inspection.architectures(), inspection.modelType(), inspection.config(),
                inspection.weightBytes(), inspection.tensorsByType(), Optional.empty(), inspection.parameters(),
                inspection.tokenizer(), inspection.making(), inspection.problems(), inspection.remarks());
    }

    @ParameterizedTest
    @FieldSource("MODELS")
    void aModelOnTheHubIsThatOfItsFolder(String golden) throws IOException {
        Path model = WordModels.copy(golden, folder);
        try (LocalHub server = new LocalHub().folder("owner/model", model)) {
            Inspection byName = inspectOnHub(server);
            assertThat(WordModels.names(byName.model()))
                    .noneMatch(name -> name.endsWith(".safetensors"));
            assertThat(byName).isEqualTo(of(byName.model(), inspect(model)));
            assertThat(byName.problems()).isEmpty();

            try (Hub hub = hub(server)) {
                assertThat(inspect(hub.model("owner/model", "main"))).isEqualTo(byName);
            }
            long fetched = server.bytesOfLargeFiles();
            assertThat(inspectOnHub(server)).isEqualTo(byName);
            assertThat(server.bytesOfLargeFiles()).isEqualTo(fetched);
        }
    }

    @Test
    void problemsOfAModelOnTheHubAreThoseOfItsFolder() throws IOException {
        Path model = WordModels.copy("llama-gqa", folder);
        Files.writeString(model.resolve("config.json"),
                Files.readString(model.resolve("config.json")).replace("\"head_dim\": 4", "\"head_dim\": 6"));
        Files.delete(model.resolve("tokenizer.json"));
        try (LocalHub server = new LocalHub().folder("owner/model", model)) {
            Inspection byName = inspectOnHub(server);
            assertThat(byName.problems()).hasSize(2);
            assertThat(byName.problems().stream()
                    .map(problem -> problem.replace(byName.model().toString(), model.toString())))
                    .containsExactlyElementsOf(inspect(model).problems());
        }
    }

    /** A copy of a model with tied embeddings and a projection made of them, of which config.json knows nothing. */
    private Path withHead(DType dtype, UnaryOperator<Tensor> change) throws IOException {
        Path tied = WordModels.copy("llama-gqa", folder);
        Path untied = folder.resolve("untied");
        try (Checkpoint checkpoint = Checkpoint.open(tied)) {
            TensorSpec head = new TensorSpec("lm_head.weight", dtype, checkpoint.info(EMBEDDING).shape());
            List<TensorSpec> specs = new ArrayList<>(List.of(head));
            checkpoint.tensors().forEach(info -> specs.add(TensorSpec.like(info, info.name())));
            new CheckpointWriter(untied, checkpoint.config()).source(tied).write(specs, spec -> spec.equals(head)
                    ? change.apply(checkpoint.tensor(EMBEDDING))
                    : checkpoint.tensor(spec.name()));
        }
        return untied;
    }

    @Test
    void whetherEmbeddingsAreTiedIsLeftOpenWhereOnlyWeightsTell() throws IOException {
        Path model = withHead(DType.F32, Tensor::neg);
        assertThat(inspect(model).config().orElseThrow().tiedEmbeddings()).isFalse();
        try (LocalHub server = new LocalHub().folder("owner/model", model)) {
            Inspection byName = inspectOnHub(server);
            assertThat(byName.config().orElseThrow().tiedEmbeddings()).isTrue();
            assertThat(byName.remarks()).singleElement().asString()
                    .contains("embeddings are tied, but an output projection is stored too");
        }
    }

    @Test
    void anOutputProjectionOfAnotherTypeIsAnotherTensor() throws IOException {
        Path model = withHead(DType.F16, embedding -> embedding.to(DType.F16.scalarType()));
        Inspection inFolder = inspect(model);
        assertThat(inFolder.config().orElseThrow().tiedEmbeddings()).isFalse();
        assertThat(inFolder.remarks()).hasSize(2).first().asString().contains("lm_head.weight is another tensor");
        try (LocalHub server = new LocalHub().folder("owner/model", model)) {
            Inspection byName = inspectOnHub(server);
            assertThat(byName).isEqualTo(of(byName.model(), inFolder));
        }
    }

    @ParameterizedTest
    @CsvSource({"llama-gqa, false", "llama-gqa, true", "llama3-rope, false", "llama-bias, false", "llama-fp16, false",
        "mistral-gqa, true", "qwen2, false", "qwen3, false"})
    void aGgufFileIsWhatItIsUnpackedInto(String golden, boolean sentencePiece) throws IOException {
        TinyGguf model = TinyGguf.of(golden);
        Path file = (sentencePiece ? model.sentencePiece() : model).write(folder.resolve("tiny.gguf"));
        sameAsUnpacked(file);
    }

    @Test
    void ofAQuantisedFileItIsSaidHowItIsStoredAndWhatItBecomes() throws IOException {
        Path file = TinyGguf.of("llama-gqa").quantised().write(folder.resolve("tiny.gguf"));
        Inspection inspection = sameAsUnpacked(file);
        assertThat(inspection.tensorsByType()).containsOnlyKeys(DType.BF16);
        Inspection.PackedWeights packed = inspection.packed().orElseThrow();
        assertThat(packed.tensorsByType().keySet()).containsExactly("F32", "Q8_0");
        assertThat(packed.tensorsByType().values().stream().mapToLong(Long::longValue).sum())
                .isEqualTo(inspection.tensorsByType().get(DType.BF16));
        // 32 numbers take 34 bytes, in bfloat16 64
        assertThat(packed.bytes()).isBetween(inspection.weightBytes() * 34 / 64, inspection.weightBytes());
        assertThat(packed.bytes()).isLessThan(Files.size(file));
    }

    @Test
    void aRealGgufFileIsWhatItIsUnpackedInto() throws IOException {
        Path file = SharedData.path("models/smollm2-135m-instruct").resolve("SmolLM2-135M-Instruct.Q4_1.gguf");
        Inspection inspection = sameAsUnpacked(file);
        assertThat(inspection.packed().orElseThrow().tensorsByType())
                .isEqualTo(Map.of("F32", 61L, "Q4_1", 210L, "Q8_0", 1L));
        assertThat(inspection.problems()).isEmpty();
    }

    private Inspection sameAsUnpacked(Path file) throws IOException {
        Inspection inspection = inspect(file);
        assertThat(inspection.model()).isEqualTo(file);
        Path unpacked = GgufImport.folder(file, folder.resolve("cache"), Progress.NONE);
        assertThat(of(unpacked, inspection)).isEqualTo(inspect(unpacked));
        return inspection;
    }

    @Test
    void aGgufFileIsLookedAtWithoutWritingAnything() throws IOException {
        inspect(TinyGguf.of("llama-gqa").quantised().write(folder.resolve("tiny.gguf")));
        assertThat(WordModels.names(folder)).containsExactly("tiny.gguf");
    }

    @Test
    void aGgufFileWhoseTokenizerIsNotReadIsStillDescribed() throws IOException {
        Path file = TinyGguf.of("llama-gqa").cuttingWordsLike("martian").write(folder.resolve("tiny.gguf"));
        Inspection inspection = inspect(file);
        assertThat(inspection.config().orElseThrow().layers()).isEqualTo(6);
        assertThat(inspection.tokenizer()).isEmpty();
        assertThat(inspection.problems()).singleElement().asString().startsWith(file.toString())
                .contains("'tokenizer.ggml.pre' is 'martian', and how that cuts words is not known here");
        assertThatThrownBy(() -> GgufImport.folder(file, folder.resolve("cache"), Progress.NONE))
                .hasMessage(inspection.problems().getFirst());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "GGUF", "not a model"})
    void aGgufFileThatIsNoneIsRefused(String content) throws IOException {
        Path file = Files.writeString(folder.resolve("tiny.gguf"), content);
        assertThatThrownBy(() -> inspect(file)).isInstanceOf(CheckpointException.class)
                .hasMessageStartingWith(file + ": ");
    }

    @Test
    void aRevisionIsForTheHubAlone() throws IOException {
        Path file = TinyGguf.of("llama-gqa").write(folder.resolve("tiny.gguf"));
        assertThatThrownBy(() -> new ModelSource(file.toString(), Optional.of("main")).inspect(() -> {
            throw new AssertionError("the hub is not needed for a path");
        })).isInstanceOf(UsageException.class).hasMessageContaining("--revision is for models on the hub");
        assertThatThrownBy(() -> inspect(folder.resolve("no such"))).isInstanceOf(CheckpointException.class)
                .hasMessageContaining("There is no folder ");
    }
}
