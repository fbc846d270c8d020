package dev.come.text;

import dev.come.InvalidInputException;
import dev.come.checkpoint.ConfigTree;
import dev.come.checkpoint.IoReason;
import dev.come.checkpoint.Limits;
import dev.come.checkpoint.Shown;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The tokens that begin and end a text for a model.
 *
 * @param beginning the id of the beginning-of-sequence token (BOS), if there is one
 * @param end the id of the end-of-sequence token (EOS), if there is one
 */
public record SpecialTokens(OptionalInt beginning, OptionalInt end) {
    /** Where transformers keeps them with a tokenizer, the file that counts first. */
    private static final List<String> FILES = List.of("tokenizer_config.json", "special_tokens_map.json");

    /**
     * Finds them: with the tokenizer ({@code tokenizer_config.json}, {@code special_tokens_map.json}), or else in the model's
     * {@code config.json}. A tokenizer that says {@code null} has none, whatever the model says.
     *
     * @throws InvalidInputException if a token that is named is not one of the tokenizer's
     */
    public static SpecialTokens of(Path modelFolder, Tokenizer tokenizer) {
        return new SpecialTokens(find("bos", modelFolder, tokenizer), find("eos", modelFolder, tokenizer));
    }

    private static OptionalInt find(String kind, Path folder, Tokenizer tokenizer) {
        for (String name : FILES) {
            Path file = folder.resolve(name);
            JsonNode token = Files.exists(file) ? read(file).path(kind + "_token") : null;
            if (token != null && !token.isMissingNode()) {
                return token.isNull() ? OptionalInt.empty() : OptionalInt.of(id(token, kind, file, tokenizer));
            }
        }
        List<Integer> ids = ConfigTree.read(folder.resolve("config.json")).oneOrMoreIntegers(kind + "_token_id");
        if (ids.isEmpty()) {
            return OptionalInt.empty();
        }
        tokenizer.requireEmbeddings(ids.getFirst());
        return OptionalInt.of(ids.getFirst());
    }

    private static JsonNode read(Path file) {
        try {
            return JsonMapper.shared().readTree(Limits.read(file, Limits.CONFIG_BYTES));
        } catch (IOException e) {
            throw new InvalidInputException(
                    file + " cannot be read (" + IoReason.of(e) + "); check that it may be read", e);
        } catch (JacksonException e) {
            throw new InvalidInputException(file + " is not JSON: " + Shown.of(e.getOriginalMessage()), e);
        }
    }

    /** transformers writes the token's text, or an object with the text as its content. */
    private static int id(JsonNode token, String kind, Path file, Tokenizer tokenizer) {
        JsonNode content = token.isObject() ? token.path("content") : token;
        if (!content.isString()) {
            throw new InvalidInputException(file + ": " + kind + "_token is " + Shown.of(token)
                    + ", where a text or an object with a text as its content is expected; correct the file");
        }
        String text = content.stringValue();
        OptionalInt known = tokenizer.idOf(text);
        if (known.isPresent()) {
            tokenizer.requireEmbeddings(known.getAsInt());
            return known.getAsInt();
        }
        int[] ids = tokenizer.encodeWithoutSpecialTokens(text);
        if (ids.length != 1) {
            throw new InvalidInputException(file + ": " + kind + "_token is \"" + Shown.of(text)
                    + "\", which the tokenizer does not take for one token; copy the tokenizer's files from one model");
        }
        return ids[0];
    }
}
