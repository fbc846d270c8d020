package dev.come.vocabulary;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.checkpoint.CheckpointException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tokenizer files that are broken or say what a tokenizer.json cannot. */
class OlderFilesRefusedTests {
    private static final Path MODEL = Path.of("src/test/resources/fixtures/sentencepiece/bpe.model");
    private static final Duration TIME = Duration.ofSeconds(2);

    @TempDir
    private Path folder;

    @Test
    void aFolderWithoutSuchFilesHasNone() {
        assertThat(TokenizerFiles.read(folder)).isEmpty();
    }

    @Test
    void sentencePieceFilesThatAreBroken() throws IOException {
        broken("", "tokenizer.model has no pieces and so is no SentencePiece model; fetch it again");
        broken("0a", "it ends inside of field 1");
        broken("0a05", "field 1 is 5 bytes long, but 0 follow");
        broken("0aff", "it ends inside of field 1");
        broken("0affffffffffffffffff01", "field 1 is 18446744073709551615 bytes long, but 0 follow");
        broken("0b", "field 1 is of wire type 3, where 2 is expected");
        broken("02", "a field has the number 0");
        broken("ffffffffffffffffffffff", "a number has more than ten bytes");
        broken("0a020a00", "piece 0 has no text");
        broken(piece("a", "150000c07f"), "the score of piece 0 is not a number");
        broken(piece("a", "1807"), "piece 0 is of the unknown kind 7");
        broken(piece("a", "1001"), "field 2 is of wire type 0, where 5 is expected");
        broken("0a030a01ff", "field 1 is not UTF-8 text");
        broken(piece("a", ""), "has 0 pieces for what is unknown, where one is expected");
        broken(piece("a", "1802") + piece("b", "1802"), "has 2 pieces for what is unknown, where one is expected");
        broken(piece("a", "1802") + "12021803", "the model is of kind 3, where 1 (Unigram) or 2 (BPE) is expected");
        broken(piece("a", "1802") + "1203c00101", "the model puts blanks behind words");
        broken(piece("a", "1802") + "1a022800", "the model does not escape blanks");
    }

    @Test
    void randomChangesEndInATokenizerOrASentence() throws IOException {
        long seed = System.nanoTime();
        System.out.println("OlderFilesRefusedTests: seed " + seed);
        Random random = new Random(seed);
        byte[] sound = Files.readAllBytes(MODEL);
        int read = 0;
        for (long end = System.nanoTime() + TIME.toNanos(); System.nanoTime() < end;) {
            byte[] changed = Arrays.copyOf(sound, random.nextInt(4) == 0 ? random.nextInt(sound.length) : sound.length);
            for (int i = 0; i < 1 + random.nextInt(4) && changed.length > 0; i++) {
                changed[random.nextInt(changed.length)] = (byte) random.nextInt();
            }
            Files.write(folder.resolve("tokenizer.model"), changed);
            try {
                assertThat(TokenizerFiles.read(folder)).isPresent();
                read++;
            } catch (CheckpointException e) {
                assertThat(e).hasMessageContaining("tokenizer.model");
            }
        }
        assertThat(read).isPositive();
    }

    @Test
    void byteLevelFilesThatAreBroken() throws IOException {
        Path vocabulary = Files.writeString(folder.resolve("vocab.json"), "{\"a\": 0, \"b\": 1, \"ab\": 2}");
        refused(folder.resolve("merges.txt")
                + " cannot be read (no such file), which belongs to vocab.json; fetch it too");
        Files.writeString(folder.resolve("merges.txt"), "#version: 0.2\na b\n\nb a\n");
        refused(vocabulary
                + ": merge 2 is 'b a', where two tokens with a blank between them are expected that make a third;"
                + " the vocabulary is damaged, fetch the file again");
        Files.writeString(folder.resolve("merges.txt"), "a b\r\n");
        assertThat(TokenizerFiles.read(folder)).isPresent();
        Files.write(folder.resolve("merges.txt"), new byte[]{'a', ' ', (byte) 0xff});
        refused(folder.resolve("merges.txt") + " is not UTF-8 text; the file is damaged, fetch it again");
        Files.writeString(vocabulary, "{\"a\": 0, \"b\": 0}");
        refused(vocabulary + ": the id of 'b' is 0, which is that of another token too; fetch the file again");
        Files.writeString(vocabulary, "{\"a\": -1}");
        refused(vocabulary + ": the id of 'a' is -1, which is negative; fetch the file again");
        Files.writeString(vocabulary, "{\"a\": \"0\"}");
        refused(vocabulary + ": 'a' must be an integer, but is \"0\"");
    }

    @Test
    void aClassThatIsNotKnownIsNamed() throws IOException {
        Files.copy(MODEL, folder.resolve("tokenizer.model"));
        Path config = Files.writeString(folder.resolve("tokenizer_config.json"),
                "{\"tokenizer_class\": \"XLMRobertaTokenizerFast\"}");
        refused(config
                + ": 'tokenizer_class' is 'XLMRobertaTokenizer', and what that class makes of tokenizer.model is not known"
                + " here (known are LlamaTokenizer, GemmaTokenizer); save the tokenizer with transformers, which writes tokenizer.json");
        Files.writeString(config, "{\"bos_token\": {\"text\": 1}}");
        refused(config + ": 'bos_token' must be a text or an object with a text as its content, but is {\"text\":1}");
    }

    private static String piece(String text, String more) {
        ByteArrayOutputStream piece = new ByteArrayOutputStream();
        piece.write(0x0a);
        piece.write(text.length());
        piece.writeBytes(text.getBytes(StandardCharsets.UTF_8));
        piece.writeBytes(HexFormat.of().parseHex(more));
        return "0a%02x".formatted(piece.size()) + HexFormat.of().formatHex(piece.toByteArray());
    }

    private void broken(String bytes, String problem) throws IOException {
        Files.write(folder.resolve("tokenizer.model"), HexFormat.of().parseHex(bytes));
        assertThatThrownBy(() -> TokenizerFiles.read(folder)).as(bytes).isInstanceOf(CheckpointException.class)
                .hasMessageContaining("tokenizer.model").hasMessageContaining(problem);
    }

    private void refused(String message) {
        assertThatThrownBy(() -> TokenizerFiles.read(folder)).isInstanceOf(CheckpointException.class)
                .hasMessage(message);
    }
}
