package dev.come.hub;

import dev.come.InvalidInputException;
import dev.come.checkpoint.Adapter;
import dev.come.checkpoint.Limits;
import dev.come.checkpoint.Shown;
import dev.come.checkpoint.SideFiles;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Which files of a repository are fetched: what a model needs to run and to be saved again, its weights once. Pickles
 * ({@code *.bin}, {@code *.pt}), which can hold programs, are never fetched.
 */
record ModelFiles(HubSnapshot snapshot) {
    private static final String CONFIG = "config.json";
    private static final String SINGLE_FILE = "model.safetensors";
    private static final String CARD = "README.md";
    private static final String INDEX = "model.safetensors.index.json";
    private static final Pattern PICKLE = Pattern.compile(".*\\.(?:bin|pth?|ckpt)");
    private static final Pattern SHARD = Pattern.compile("[^/\\\\]+\\.safetensors");

    /**
     * Fetches the model.
     *
     * @return its folder
     * @throws InvalidInputException if it is no model with safetensors
     */
    Path fetch() {
        List<String> besides = besides();
        if (snapshot.files().contains(SINGLE_FILE)) {
            besides.add(SINGLE_FILE);
            return snapshot.fetch(besides, card());
        }
        return snapshot.fetch(shards(snapshot.fetchSome(besides)), card());
    }

    /** The model's card, which tells its licence. */
    private List<String> card() {
        return snapshot.files().stream().filter(CARD::equals).toList();
    }

    /**
     * Fetches all of the model but the weights.
     *
     * @throws InvalidInputException if it is no model with safetensors
     */
    RemoteModel fetchWithoutWeights() {
        Path folder = snapshot.fetchSome(besides());
        return new RemoteModel(folder,
                snapshot.parts(snapshot.files().contains(SINGLE_FILE) ? List.of(SINGLE_FILE) : shards(folder)));
    }

    /** All files of the model but the weights; where these lie in several files, the index is among them. */
    private List<String> besides() {
        List<String> names = snapshot.files();
        if (!names.contains(CONFIG) && names.contains(Adapter.CONFIG)) {
            throw refusal("is an adapter and no whole model", CONFIG, Adapter.advice());
        }
        if (!names.contains(CONFIG)) {
            throw refusal("has no " + CONFIG, CONFIG,
                    "it is no model as transformers has them; give the name of one that is");
        }
        List<String> besides = new ArrayList<>(names.stream().filter(SideFiles::isKnown).toList());
        if (!names.contains(SINGLE_FILE)) {
            if (!names.contains(INDEX)) {
                throw withoutWeights(names);
            }
            besides.add(INDEX);
        }
        return besides;
    }

    private RuntimeException withoutWeights(List<String> names) {
        if (names.stream().anyMatch(name -> name.endsWith(".gguf"))) {
            return refusal("has its weights as .gguf", SINGLE_FILE,
                    "download the one file that you want, and give its path");
        }
        if (names.stream().anyMatch(name -> PICKLE.matcher(name).matches())) {
            return refusal("has its weights only as pickles (*.bin), which can hold programs and are not fetched",
                    SINGLE_FILE, "look for a copy or a --revision with safetensors (the hub offers refs/pr/N for many),"
                            + " or save it as safetensors with transformers and give that folder");
        }
        return refusal("has neither " + SINGLE_FILE + " nor " + INDEX, SINGLE_FILE,
                "give the name of a model that has its weights there");
    }

    /** @param file what to say is missing where only the cache is looked at, which may hold part of a model */
    private RuntimeException refusal(String what, String file, String advice) {
        Optional<RuntimeException> reason = snapshot.cacheOnly();
        return reason.isPresent()
                ? snapshot.missing(file, reason.get())
                : new InvalidInputException(
                        snapshot.repository() + " (revision " + snapshot.revision() + ") " + what + "; " + advice);
    }

    static List<String> shards(Path folder) {
        Path index = folder.resolve(INDEX);
        JsonNode weights;
        try {
            weights = new JsonMapper().readTree(Limits.read(index, Limits.INDEX_BYTES)).path("weight_map");
        } catch (IOException | JacksonException e) {
            throw new InvalidInputException(index + " cannot be read as JSON; the repository is broken", e);
        }
        TreeSet<String> shards = new TreeSet<>();
        weights.forEach(shard -> {
            shards.add(shard.asString(""));
            Limits.check(index, "the number of files that it names", shards.size(), Limits.SHARDS);
        });
        for (String shard : shards) {
            if (!SHARD.matcher(shard).matches()) {
                throw new InvalidInputException(index + " names '" + Shown.of(shard)
                        + "', where a .safetensors file of the same folder is expected; the repository is broken");
            }
        }
        if (shards.isEmpty()) {
            throw new InvalidInputException(index + " names no files; the repository is broken");
        }
        return List.copyOf(shards);
    }
}
