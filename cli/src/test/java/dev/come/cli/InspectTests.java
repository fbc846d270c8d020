package dev.come.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.CheckpointWriter;
import dev.come.checkpoint.ConfigTree;
import dev.come.checkpoint.TensorSpec;
import dev.come.cli.Trial.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class InspectTests {
    @TempDir
    private Path folder;

    private Trial trial;

    @BeforeEach
    void makeModel() throws IOException {
        trial = new Trial(folder);
    }

    private void editConfig(String find, String replacement) throws IOException {
        Path config = trial.model.resolve("config.json");
        String text = Files.readString(config);
        assertThat(text).contains(find);
        Files.writeString(config, text.replace(find, replacement));
    }

    private Outcome inspect() {
        return Trial.run(List.of("inspect", trial.model.toString()));
    }

    @Test
    void tellsWhatAModelIs() {
        Outcome outcome = inspect();
        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
        assertThat(outcome.out()).contains("LlamaForCausalLM (model_type llama)", "layers      6", "embeddings tied",
                "heads       8 of 4, key-value heads 2", "attention   layers 0 to 5: all tokens before",
                "stored as   F32");
        assertThat(outcome.out()).doesNotContain("remark", "problem");
        JsonNode json = new JsonMapper()
                .readTree(Trial.run(List.of("inspect", "--json", trial.model.toString())).out());
        long parts = json.get("parameters_by_part").valueStream().mapToLong(JsonNode::asLong).sum();
        assertThat(parts).isEqualTo(json.get("parameters").asLong());
        assertThat(json.get("weight_bytes").asLong()).isEqualTo(4 * parts);
    }

    @Test
    void saysHowAGgufFileIsStoredAndUnpacksNothing() throws IOException {
        Path file = SmallGguf.write(folder.resolve("small.gguf"));
        Map<String, String> environment = Map.of("XDG_CACHE_HOME", folder.resolve("cache").toString());
        Outcome outcome = Trial.run(environment, List.of("inspect", file.toString()));
        assertThat(outcome.exitCode()).as(outcome.err() + outcome.out()).isZero();
        assertThat(outcome.out()).contains("model       " + file, "LlamaForCausalLM (model_type llama)",
                "parameters  11,360: ", "stored as   F32, Q8_0, 12.4 kB; unpacked BF16, 22.7 kB",
                "tokenizer   64 ids; puts nothing in front of a text");
        JsonNode json = new JsonMapper()
                .readTree(Trial.run(environment, List.of("inspect", "--json", file.toString())).out());
        assertThat(json.get("weight_bytes").asLong()).isEqualTo(2 * 11_360);
        assertThat(json.get("tensors_by_type").toString()).isEqualTo("{\"bfloat16\":11}");
        assertThat(json.get("gguf").toString())
                .isEqualTo("{\"weight_bytes\":12352,\"tensors_by_type\":{\"f32\":3,\"q8_0\":8}}");
        assertThat(folder.resolve("cache")).doesNotExist();
    }

    @Test
    void saysThatAnAdapterIsNoModel() throws IOException {
        Path lora = Files.createDirectory(folder.resolve("lora"));
        Files.copy(trial.model.resolve("model.safetensors"), lora.resolve("adapter_model.safetensors"));
        Files.writeString(lora.resolve("adapter_config.json"),
                "{\"peft_type\": \"LORA\", \"base_model_name_or_path\": \"org/base\", \"r\": 8}");
        String expected = lora + " is an adapter (LORA for org/base) and no whole model";
        for (boolean config : new boolean[]{false, true}) {
            if (config) { // some tools put that of the base model beside it
                Files.copy(trial.model.resolve("config.json"), lora.resolve("config.json"));
            }
            Outcome outcome = Trial.run(List.of("inspect", lora.toString()));
            assertThat(outcome.exitCode()).isEqualTo(3);
            assertThat(outcome.err()).contains(expected, "merge it into that model first").hasLineCount(1);
        }
        // A whole model that an adapter lies beside is one.
        Files.copy(trial.model.resolve("model.safetensors"), lora.resolve("model.safetensors"));
        assertThat(Trial.run(List.of("inspect", lora.toString())).out()).contains("layers      6");
    }

    @Test
    void tellsHowAPrunedModelWasMade() throws IOException {
        String out = folder.resolve("out").toString();
        Trial.run(trial.prune("--method", "manual", "--layers", "1,4", "--target-layers", "4", "--heal", "ridge",
                "--heal-scope", "all"));
        Outcome outcome = Trial.run(List.of("inspect", out));
        assertThat(outcome.exitCode()).isZero();
        assertThat(outcome.out())
                .containsPattern("pruned {6}by manual from model, which has 6 layers\\Rremoved {5}1, 4\\R"
                        + "refitted {4}[02, 35]+\\R")
                .doesNotContain("merged", "distilled");
        assertThat(Trial.run(List.of("inspect", out, "--json")).out())
                .containsPattern("\"dense_model\" : \"model\",\\s+\"dense_layers\" : 6")
                .contains("\"removed\" : [ 1, 4 ]");

        Path record = folder.resolve("out/come.json");
        String plan = Files.readString(record);
        Files.writeString(record, plan.substring(0, plan.length() / 2));
        outcome = Trial.run(List.of("inspect", out));
        assertThat(outcome.exitCode()).as("the model itself is sound").isZero();
        assertThat(outcome.out()).contains("remark      " + record + " is not a plan").doesNotContain("pruned  ");
    }

    @Test
    void aDescriptionOfAFamilyIsCheckedAndTold() throws IOException {
        Path file = Files.writeString(folder.resolve("mine.json"), """
                {"model_type": "mine", "like": "llama", "defaults": {"rope_theta": 500}}""");
        Outcome told = Trial.run(List.of("families", "--describe", file.toString()));
        assertThat(told.exitCode()).isZero();
        assertThat(told.out()).startsWith("model_type mine").contains("rope_theta: 500.0",
                "gate: mlp.gate_proj.weight");
        Files.writeString(file, "{\"model_type\": \"mine\", \"like\": \"bert\"}");
        Outcome refused = Trial.run(List.of("families", "--describe", file.toString()));
        assertThat(refused.exitCode()).isEqualTo(3);
        assertThat(refused.err()).contains(file + ": like is \"bert\"");
    }

    @Test
    void listsTheFamilies() {
        Outcome outcome = Trial.run(List.of("families"));
        assertThat(outcome.exitCode()).isZero();
        assertThat(outcome.out()).contains("opt ", "period or list", "Every method removes and merges");
        assertThat(outcome.out().lines()).allMatch(line -> line.length() <= 80);
        Outcome json = Trial.run(List.of("families", "--json"));
        assertThat(json.out()).contains("Qwen3ForCausalLM", "opt-350m-like", "\"concat_merge\" : \"yes\"");
    }

    @Test
    void saysWhatIsWrongAndEndsWithThree() throws IOException {
        editConfig("\"model_type\": \"llama\"", "\"model_type\": \"rwkv\"");
        Files.delete(trial.model.resolve("tokenizer.json"));
        Outcome outcome = inspect();
        assertThat(outcome.exitCode()).isEqualTo(3);
        assertThat(outcome.out()).contains("problem     " + trial.model.resolve("config.json")
                + ": model_type is \"rwkv\", which is none of the ", "has no tokenizer.json",
                "parameters  ");
        assertThat(outcome.err()).containsOnlyOnce("come: ").contains("cannot be used as it is");
    }

    @Test
    void namesAHeadDimensionThatTheWeightsDoNotHave() throws IOException {
        editConfig("\"head_dim\": 4", "\"head_dim\": 6");
        assertThat(inspect().out()).contains("problem     ", "has shape [", "but config.json makes it [");
    }

    @Test
    void remarksOnFilesAndTokensThatHaveNoPlace() throws IOException {
        Files.copy(trial.model.resolve("model.safetensors"),
                trial.model.resolve("model-00002-of-00007.safetensors"));
        String tokenizer = Files.readString(trial.model.resolve("tokenizer.json"));
        Files.writeString(trial.model.resolve("tokenizer.json"), tokenizer.replaceFirst("\"added_tokens\": ?\\[",
                "\"added_tokens\": [{\"id\": 128, \"content\": \"<more>\", \"single_word\": false, \"lstrip\": false, "
                        + "\"rstrip\": false, \"normalized\": false, \"special\": true},"));
        Outcome outcome = inspect();
        assertThat(outcome.out()).contains("remark      model-00002-of-00007.safetensors belongs to no index",
                "the tokenizer has ids up to 128, the embedding only 128 rows");
        assertThat(outcome.exitCode()).as(outcome.out()).isZero();
    }

    @Test
    void keepsAnOutputProjectionThatConfigJsonDenies() {
        Path untied = folder.resolve("untied");
        try (Checkpoint checkpoint = Checkpoint.open(trial.model)) {
            List<TensorSpec> specs = new ArrayList<>(checkpoint.tensors().stream()
                    .map(info -> new TensorSpec(info.name(), info.dtype(), info.shape())).toList());
            TensorSpec head = new TensorSpec("lm_head.weight", specs.getFirst().dtype(),
                    checkpoint.info("model.embed_tokens.weight").shape());
            specs.add(head);
            new CheckpointWriter(untied, checkpoint.config()).source(trial.model).write(specs,
                    spec -> spec.equals(head)
                            ? checkpoint.tensor("model.embed_tokens.weight").neg()
                            : checkpoint.tensor(spec.name()));
        }
        Outcome outcome = Trial.run(List.of("inspect", untied.toString()));
        assertThat(outcome.out()).contains("embeddings not tied",
                "config.json says that embeddings are tied, but lm_head.weight is another tensor");
        Outcome pruned = Trial.run(trial.prune("--model-name", untied.toString()));
        assertThat(pruned.err()).contains("tie_word_embeddings was true, but lm_head.weight is another tensor");
        assertThat(ConfigTree.read(folder.resolve("out/config.json")).bool("tie_word_embeddings", true)).isFalse();
    }
}
