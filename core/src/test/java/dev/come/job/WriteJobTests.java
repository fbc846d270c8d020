package dev.come.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.come.FailedException;
import dev.come.InvalidInputException;
import dev.come.JsonRules;
import dev.come.Progress;
import dev.come.UsageException;
import dev.come.WordModels;
import dev.come.checkpoint.Checkpoint;
import dev.come.generate.Sampling;
import dev.come.model.CausalLanguageModel;
import dev.come.model.Compute;
import dev.come.model.ModelConfig;
import dev.come.text.CalibrationSet;
import dev.come.text.TextSource;
import dev.come.text.Tokenizer;
import dev.come.text.WindowLength;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class WriteJobTests {
    private static final long MANY = 1_000_000_000;
    private static final Path GOLDEN = Path.of("src/test/resources/fixtures/write/write.json");

    @TempDir
    private Path folder;
    private Path model;
    private List<String> notes = List.of();

    private Path prompts;
    private OptionalInt promptTokens = OptionalInt.empty();
    private boolean chat;
    private boolean overwrite;
    private Resumption resumption = Resumption.GO_ON;
    private long memory = MANY;

    @BeforeEach
    void makeModel() throws IOException {
        model = WordModels.copy("llama-gqa", folder);
        prompts = Files.writeString(folder.resolve("prompts.txt"), golden().path("rows").valueStream()
                .map(row -> words(row.path("prompt"))).collect(Collectors.joining("\n")));
    }

    private static JsonNode golden() {
        return new JsonMapper().readTree(GOLDEN);
    }

    private static String words(JsonNode ids) {
        return ids.valueStream().map(id -> word(id.intValue())).collect(Collectors.joining(" "));
    }

    private static String word(int id) {
        return id == 0 ? "<unk>" : id == 1 ? "<s>" : "w" + id;
    }

    private WriteJob job(String output, long tokens, Sampling sampling, Progress progress) {
        return new WriteJob(new WriteJob.Options(model,
                new TextSource(prompts.toString(), folder, TextSource.DEFAULT_FIELD), promptTokens, chat, tokens,
                sampling,
                new ComputeChoice("float32", "cpu", 2, memory), folder.resolve(output), overwrite, resumption),
                progress);
    }

    private List<JsonNode> write(String output, long tokens, Sampling sampling) throws IOException {
        job(output, tokens, sampling, noted(Long.MAX_VALUE)).run();
        return Files.readAllLines(folder.resolve(output)).stream().map(new JsonMapper()::readTree).toList();
    }

    /** Ends after so many tokens. */
    private Progress noted(long tokens) {
        KilledProgress progress = KilledProgress.after(tokens);
        notes = progress.notes();
        return progress;
    }

    private static Sampling greedy(int maxNewTokens) {
        return new Sampling(maxNewTokens, 0, 0, 1, 10);
    }

    private static Sampling drawn(int maxNewTokens) {
        return new Sampling(maxNewTokens, 1.2, 0, 0.9, 10);
    }

    /** Expected tokens are those of transformers 5.24's generate (fixtures/write/make_write.py). */
    @Test
    void theLikeliestTokensAreThoseOfTransformers() throws IOException {
        JsonNode golden = golden();
        List<JsonNode> rows = write("own.jsonl", 1_000_000, greedy(golden.path("new").intValue()));
        assertThat(rows).hasSize(golden.path("rows").size());
        for (int i = 0; i < rows.size(); i++) {
            JsonNode answer = golden.path("rows").get(i).path("answer");
            boolean ended = answer.get(answer.size() - 1).intValue() == 2;
            String prompt = words(golden.path("rows").get(i).path("prompt"));
            String said = answer.valueStream().filter(id -> id.intValue() != 2).map(id -> word(id.intValue()))
                    .collect(Collectors.joining(" "));
            JsonNode row = rows.get(i);
            assertThat(row.path("text").stringValue().strip()).as("row %s", i).isEqualTo((prompt + " " + said).strip());
            assertThat(row.path("prompt").stringValue()).isEqualTo(prompt);
            assertThat(row.path("answer_from").intValue()).isEqualTo(prompt.length());
            assertThat(row.path("tokens").intValue()).isEqualTo(answer.size());
            assertThat(row.path("ended").booleanValue()).isEqualTo(ended);
        }
        assertThat(notes).singleElement().asString().contains("All 40 prompts are answered after",
                "--temperature above 0");
    }

    /** The plain twin: one text after the other, all of it run anew for each token, without any cache. */
    @Test
    void whatIsDrawnIsThatOfThePlainTwin() throws IOException {
        Sampling sampling = drawn(6);
        List<JsonNode> rows = write("own.jsonl", 200, sampling);
        List<JsonNode> prompt = golden().path("rows").valueStream().toList();
        try (Checkpoint checkpoint = Checkpoint.open(model)) {
            ModelConfig config = ModelConfig.of(checkpoint);
            try (CausalLanguageModel plain = new CausalLanguageModel(checkpoint, config,
                    Compute.of("float32", config.storedType(checkpoint), "cpu", 1))) {
                long tokens = 0;
                for (int i = 0; i < rows.size(); i++) {
                    assertThat(tokens).isLessThan(200);
                    SplittableRandom random = new SplittableRandom(
                            new SplittableRandom(10).nextLong() ^ new SplittableRandom(i).nextLong());
                    int[] ids = prompt.get(i % 40).path("prompt").valueStream().mapToInt(JsonNode::intValue).toArray();
                    int[] all = IntStream.concat(IntStream.of(1), IntStream.of(ids)).toArray();
                    List<String> words = new ArrayList<>();
                    int count = 0;
                    for (boolean ended = false; !ended && count < 6; count++) {
                        float[][] logits = plain.logits(all);
                        int token = sampling.choose(logits[all.length - 1], random);
                        ended = token == 2;
                        if (!ended) {
                            words.add(word(token));
                        }
                        all = Arrays.copyOf(all, all.length + 1);
                        all[all.length - 1] = token;
                    }
                    String text = rows.get(i).path("text").stringValue();
                    assertThat(text.substring(rows.get(i).path("answer_from").intValue()).strip()).as("row %s", i)
                            .isEqualTo(String.join(" ", words));
                    assertThat(rows.get(i).path("tokens").intValue()).isEqualTo(count);
                    tokens += count;
                }
                assertThat(tokens).isGreaterThanOrEqualTo(200);
            }
        }
    }

    @Test
    void aRunThatWasKilledGoesOnAndEndsWithTheSameBytes() throws IOException {
        write("whole.jsonl", 500, drawn(6));
        Path unfinished = folder.resolve("killed.unfinished.jsonl");
        assertThatThrownBy(() -> job("killed.jsonl", 500, drawn(6), noted(300)).run()).hasMessage("killed");
        assertThat(Files.readAllLines(unfinished)).as("settings and one batch of texts").hasSize(1 + 32);
        assertThat(folder.resolve("killed.jsonl")).doesNotExist();
        assertThat(notes).anyMatch(note -> note.contains(unfinished.toString()) && note.contains("the same command"));
        Files.writeString(unfinished, Files.readString(unfinished) + "{\"text\": \"w3\"}\n{\"te"); // as a kill may leave it
        assertThatThrownBy(() -> job("killed.jsonl", 600, drawn(6), noted(9)).run()).isInstanceOf(UsageException.class)
                .hasMessageContainingAll("tokens: 500 there, 600 now", "--restart");
        write("killed.jsonl", 500, drawn(6));
        assertThat(notes).contains("Going on with the texts in " + unfinished);
        assertThat(unfinished).doesNotExist();
        for (String ending : List.of(".jsonl", ".write.json")) {
            assertThat(folder.resolve("killed" + ending)).hasSameTextualContentAs(folder.resolve("whole" + ending));
        }
        JsonNode record = new JsonMapper().readTree(folder.resolve("whole.write.json"));
        assertThat(record.path("written").path("tokens").intValue()).isBetween(500, 505);
        new JsonRules("dev.come.job.WriteRecord").check(folder.resolve("whole.write.json"))
                .assertAllSeen("tokenizer_compat");
    }

    @Test
    void anotherSeedGivesOtherTextsAndPromptsAreUsedAgain() throws IOException {
        List<JsonNode> rows = write("one.jsonl", 300, drawn(4));
        assertThat(rows).hasSizeGreaterThan(40);
        assertThat(rows.get(40).path("prompt")).isEqualTo(rows.get(0).path("prompt"));
        assertThat(rows.get(40).path("text")).isNotEqualTo(rows.get(0).path("text"));
        assertThat(write("two.jsonl", 300, new Sampling(4, 1.2, 0, 0.9, 11)).get(0)).isNotEqualTo(rows.get(0));
    }

    private void writeTemplate() throws IOException {
        Files.writeString(model.resolve("chat_template.jinja"),
                "{% for m in messages %}{{ 'w9 ' if m.role == 'user' else 'w8 ' }}{{ m.content + ' ' }}{% endfor %}w7");
    }

    @Test
    void messagesBecomeATextByTheTemplateAndGetAnAnswer() throws IOException {
        writeTemplate();
        prompts = Files.writeString(folder.resolve("chat.jsonl"), """
                {"messages": [{"role": "user", "content": "w20"}, {"role": "assistant", "content": "w21"},
                  {"role": "user", "content": "w22"}, {"role": "assistant", "content": "gone"}]}
                """.replace("\n  ", " "));
        JsonNode row = write("own.jsonl", 5, greedy(5)).getFirst();
        assertThat(row.path("text").stringValue()).startsWith("w9 w20 w8 w21 w9 w22 w7");
        assertThat(row.path("answer_from").intValue()).isEqualTo("w9 w20 w8 w21 w9 w22 w7".length());
        List<JsonNode> messages = row.path("messages").valueStream().toList();
        assertThat(messages).hasSize(4);
        assertThat(messages.getLast().path("role").stringValue()).isEqualTo("assistant");
        assertThat(row.path("text").stringValue()).contains(messages.getLast().path("content").stringValue().strip());
        assertThat(notes).anyMatch(note -> note.contains("1 of the prompts end with an answer, which is left out"));

        prompts = Files.writeString(folder.resolve("chat.txt"), "w22\n");
        chat = true;
        assertThat(write("text.jsonl", 5, greedy(5)).getFirst().path("text").stringValue()).startsWith("w9 w22 w7");
    }

    @Test
    void documentsBeginWithPrompts() throws IOException {
        prompts = WordModels.text(folder.resolve("documents.txt"), 5);
        promptTokens = OptionalInt.of(3);
        List<JsonNode> rows = write("own.jsonl", 30, greedy(6));
        assertThat(rows).hasSize(5);
        assertThat(rows).allMatch(row -> row.path("prompt").stringValue().split(" ").length == 3);
    }

    @Test
    void whatWouldBeDoneIsToldWithoutWriting() {
        WriteJob.Outlook outlook = job("own.jsonl", 1000, drawn(24), noted(0)).outlook();
        assertThat(outlook).isEqualTo(new WriteJob.Outlook(40, 8, 32, 42, outlook.weightBytes(),
                32L * 32 * 2 * 6 * 2 * 4 * 4)); // texts, tokens, keys and values, layers, heads, channels, bytes
        memory = 0;
        assertThat(job("own.jsonl", 1000, drawn(24), noted(0)).outlook().sideBySide()).isEqualTo(1);
        assertThat(folder.resolve("own.jsonl")).doesNotExist();
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', quoteCharacter = '^', value = {"p.txt;   ;has no rows of text",
        "p.jsonl;{\"text\": \"w3\";p.jsonl",
        "p.jsonl;{\"messages\": []};row 0 (counted from 0)", "p.jsonl;{\"messages\": [{\"role\": \"user\"}]};row 0",
        "p.jsonl;{\"messages\": [{\"role\": \"assistant\", \"content\": \"w3\"}]};row 0",
        "p.jsonl;{\"messages\": [{\"role\": \"user\", \"content\": \"w3\"}]};has no chat template",
        "p.jsonl;{\"other\": \"w3\"};has no field text, nor prompt"})
    void promptsThatCannotBeUsedAreNamed(String name, String content, String message) throws IOException {
        prompts = Files.writeString(folder.resolve(name), content == null ? "\n\n" : content);
        assertThatThrownBy(() -> write("own.jsonl", 5, greedy(5))).isInstanceOf(InvalidInputException.class)
                .hasMessageContaining(message);
        assertNothingLeft();
    }

    private void assertNothingLeft() throws IOException {
        try (var files = Files.list(folder)) {
            assertThat(files.filter(file -> file.getFileName().toString().contains("own"))).isEmpty();
        }
    }

    @Test
    void aPromptForWhichThereIsNoRoomIsRefused() throws IOException {
        prompts = Files.writeString(folder.resolve("p.txt"), "w3\n" + "w4 ".repeat(120) + "\n");
        assertThatThrownBy(() -> write("own.jsonl", 5, greedy(24))).isInstanceOf(InvalidInputException.class)
                .hasMessageContainingAll("Prompt 1 (counted from 0) has 121 tokens", "--max-new-tokens 24",
                        "128 positions", "--prompt-tokens");
        assertNothingLeft();
    }

    @Test
    void anOutputThatCannotBeWrittenIsNamed() throws IOException {
        assertThatThrownBy(() -> write("own.json", 5, greedy(5))).isInstanceOf(UsageException.class)
                .hasMessageContaining("must end in .jsonl");
        assertThatThrownBy(() -> write("no/own.jsonl", 5, greedy(5))).isInstanceOf(UsageException.class)
                .hasMessageContaining("there is no folder");
        Path there = Files.writeString(folder.resolve("own.jsonl"), "mine");
        assertThatThrownBy(() -> write("own.jsonl", 5, greedy(5))).isInstanceOf(UsageException.class)
                .hasMessageContaining("is there already; add --overwrite");
        assertThat(there).hasContent("mine");
        overwrite = true;
        assertThat(write("own.jsonl", 5, greedy(5))).hasSize(1);
        Path taken = Files.writeString(folder.resolve("other.unfinished.jsonl"), "mine\n");
        assertThatThrownBy(() -> write("other.jsonl", 5, greedy(5))).isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("does not hold the texts of an interrupted run");
        resumption = Resumption.RESTART;
        assertThatThrownBy(() -> write("other.jsonl", 5, greedy(5))).isInstanceOf(InvalidInputException.class);
        assertThat(taken).hasContent("mine");
    }

    /** The device that is always full. */
    @Test
    void aFullDiskIsToldInOneSentence() throws IOException {
        assumeTrue(Files.exists(Path.of("/dev/full")), "there is no /dev/full");
        Files.createSymbolicLink(folder.resolve("own.unfinished.jsonl"), Path.of("/dev/full"));
        assertThatThrownBy(() -> write("own.jsonl", 5, greedy(5)))
                .isInstanceOfAny(FailedException.class, InvalidInputException.class)
                .hasMessageContaining("own.unfinished.jsonl");
        assertThat(folder.resolve("own.jsonl")).doesNotExist();
    }

    @Test
    void theTextIsOneToTrainOn() throws IOException {
        List<JsonNode> rows = write("own.jsonl", 400, drawn(8));
        try (Checkpoint checkpoint = Checkpoint.open(model); Tokenizer tokenizer = Tokenizer.open(model)) {
            CalibrationSet set = new CalibrationSet.Budget(
                    new TextSource(folder.resolve("own.jsonl").toString(), folder,
                            TextSource.DEFAULT_FIELD),
                    256, 3, WindowLength.of(32)).take(tokenizer,
                            ModelConfig.of(checkpoint).positions());
            assertThat(set.sequences().tokenCount()).isGreaterThanOrEqualTo(256);
            assertThat(set.facts().rowsAvailable()).isEqualTo(rows.size());
        }
    }
}
