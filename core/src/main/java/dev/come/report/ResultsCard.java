package dev.come.report;

import dev.come.InvalidInputException;
import dev.come.checkpoint.AtomicFile;
import dev.come.checkpoint.IoReason;
import dev.come.checkpoint.Limits;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Puts measured results into a model card, between lines that mark them: the hub's model-index into the front matter, and a table
 * into the text. Results that were put there before are replaced; all else stays as it is, to the character.
 */
public final class ResultsCard {
    private static final String INDEX = "model-index";
    private static final Block IN_FRONT = new Block("# come eval: results\n", "# come eval: end\n");
    private static final Block IN_TEXT = new Block("<!-- come eval: results -->\n", "<!-- come eval: end -->\n");

    private final Path file;

    private ResultsCard(Path file) {
        this.file = file;
    }

    /** Two lines, and what is between them. */
    private record Block(String first, String last) {
        /** A text without the block; nothing if the block has only one of its lines, or one twice. */
        Optional<String[]> around(String text) {
            int begin = text.indexOf(first);
            int end = text.indexOf(last);
            if (begin < 0 && end < 0) {
                return Optional.of(new String[]{text, ""});
            }
            boolean whole = begin >= 0 && end > begin && text.indexOf(first, begin + 1) < 0
                    && text.indexOf(last, end + 1) < 0;
            return whole
                    ? Optional.of(new String[]{text.substring(0, begin), text.substring(end + last.length())})
                    : Optional.empty();
        }

        boolean isIn(String text) {
            return text.contains(first);
        }
    }

    /**
     * Looks at a card.
     *
     * @throws InvalidInputException if it cannot be read, or results cannot be put into it without a risk for the rest
     */
    public static ResultsCard of(Path file) {
        ResultsCard card = new ResultsCard(file);
        if (Files.isSymbolicLink(file) || !Files.isRegularFile(file)) {
            throw new InvalidInputException("--card: there is no file " + file
                    + " to write results into; come prune writes one, or make one with a first line of your own");
        }
        card.with(card.read(), JsonNodeFactory.instance.objectNode(), "");
        return card;
    }

    /**
     * Writes results.
     *
     * @param results what {@code come eval} writes as JSON
     * @param datasets data sets of the hub by the names of tasks and texts
     */
    public void write(String results, Map<String, String> datasets) {
        CardResults measured = new CardResults(new JsonMapper().readTree(results), datasets);
        AtomicFile.write(file, with(read(), measured.modelIndex(), measured.table()));
    }

    private String read() {
        try {
            return StandardCharsets.UTF_8.newDecoder()
                    .decode(ByteBuffer.wrap(Limits.read(file, Limits.CONFIG_BYTES))).toString();
        } catch (CharacterCodingException e) {
            throw new InvalidInputException("--card: " + file + " is no text in UTF-8; mend that", e);
        } catch (IOException e) {
            throw new InvalidInputException("--card: " + file + " cannot be read (" + IoReason.of(e) + ")", e);
        }
    }

    /**
     * A card with results.
     *
     * @param index has the one key model-index, or none
     */
    private String with(String card, JsonNode index, String table) {
        String source = "--card: " + file;
        boolean windows = card.contains("\r\n");
        String lines = windows ? card.replace("\r\n", "\n") : card;
        if (windows && !lines.replace("\n", "\r\n").equals(card)) {
            throw new InvalidInputException(source + " has line ends of two kinds; save it with one kind");
        }
        FrontMatter front = FrontMatter.of(lines, source);
        String[] around = around(IN_FRONT, front.yaml(), source);
        String kept = around[0] + around[1];
        JsonNode before = new FrontMatter(kept, "").tree(source);
        if (before.has(INDEX)) {
            throw new InvalidInputException(source + " has a " + INDEX
                    + " that come eval did not write; take it out, or keep it and leave out --card");
        }
        String yaml = index.isEmpty()
                ? kept
                : around[0] + IN_FRONT.first + FrontMatter.written(index) + IN_FRONT.last + around[1];
        requireSame(before, new FrontMatter(yaml, "").tree(source), source);
        String made = new FrontMatter(yaml, text(front.text(), table, source)).card();
        return windows ? made.replace("\n", "\r\n") : made;
    }

    /** Whatever the front matter looks like, it must say the same as before. */
    private static void requireSame(JsonNode before, JsonNode after, String source) {
        ObjectNode others = ((ObjectNode) after).deepCopy();
        others.remove(INDEX);
        if (!others.equals(before)) {
            throw new InvalidInputException(source + " has a front matter to which nothing can be added in lines of its"
                    + " own; write it as one name and value in each line");
        }
    }

    private static String text(String text, String table, String source) {
        String[] around = around(IN_TEXT, text, source);
        if (table.isEmpty()) {
            return around[0] + around[1];
        }
        String block = IN_TEXT.first + table + IN_TEXT.last;
        if (IN_TEXT.isIn(text)) {
            return around[0] + block + around[1];
        }
        return text + (text.isEmpty() || text.endsWith("\n") ? "" : "\n") + "\n" + block;
    }

    private static String[] around(Block block, String text, String source) {
        return block.around(text).orElseThrow(() -> new InvalidInputException(source
                + " has the line '" + block.first.strip() + "' without the one that ends the block, or twice; take what"
                + " is left of the block out"));
    }
}
