package dev.come.vocabulary;

import dev.come.checkpoint.CheckpointException;
import dev.come.checkpoint.ConfigTree;
import dev.come.checkpoint.Shown;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What the tokenizer classes of transformers 5.24 make of a tokenizer.json. Those that build their steps themselves take the
 * vocabulary, the merges and what goes around a text from it; normalizer, pre_tokenizer, the settings of the model and all added
 * tokens come from the class and from tokenizer_config.json.
 *
 * @param json the text of the tokenizer.json that means the same
 * @param added its added tokens
 */
record RebuiltTokenizer(String json, List<AddedToken> added) {
    private static final String BLANK = "\u2581";
    private static final String END = "<|endoftext|>";

    /** Other classes that build their steps themselves. */
    private static final Set<String> NOT_KNOWN = Set.of("AlbertTokenizer", "BarthezTokenizer", "BertTokenizer",
            "BigBirdTokenizer", "BlenderbotTokenizer", "CLIPTokenizer", "CamembertTokenizer", "CodeLlamaTokenizer",
            "CpmTokenizer", "DebertaTokenizer", "DebertaV2Tokenizer", "DistilBertTokenizer", "EsmcTokenizer",
            "FunnelTokenizer", "HerbertTokenizer", "LasrTokenizer", "LayoutLMv2Tokenizer", "LayoutLMv3Tokenizer",
            "LayoutXLMTokenizer", "LukeTokenizer", "MBart50Tokenizer", "MBartTokenizer", "MLukeTokenizer",
            "MPNetTokenizer", "MarkupLMTokenizer", "NllbTokenizer", "NougatTokenizer", "OpenAIGPTTokenizer",
            "PLBartTokenizer", "PegasusTokenizer", "ReformerTokenizer", "RemBertTokenizer", "RoFormerTokenizer",
            "RobertaTokenizer", "SeamlessM4TTokenizer", "Siglip2Tokenizer", "SplinterTokenizer", "T5Tokenizer",
            "Tipsv2Tokenizer", "UdopTokenizer", "VideoPrismTokenizer", "WhisperTokenizer", "XGLMTokenizer",
            "XLMRobertaTokenizer", "XLNetTokenizer");

    /** The classes that are known here. */
    private enum Rebuilt {
        LLAMA("LlamaTokenizer", Map.of("unk_token", "<unk>", "bos_token", "<s>", "eos_token", "</s>")) {
            @Override
            void steps(ObjectNode root, TokenizerSettings settings) {
                boolean blank = settings.config().bool("add_prefix_space", true);
                boolean always = settings.config().bool("legacy", false);
                root.putObject("pre_tokenizer").put("type", "Metaspace").put("replacement", BLANK)
                        .put("prepend_scheme", blank ? always ? "always" : "first" : "never").put("split", false);
                ofPieces(root, blank);
            }
        },
        GEMMA("GemmaTokenizer", Map.of("unk_token", "<unk>", "bos_token", "<bos>", "eos_token", "<eos>", "pad_token",
                "<pad>", "mask_token", "<mask>")) {
            @Override
            void steps(ObjectNode root, TokenizerSettings settings) {
                TokenizerJson.replace(root.putObject("normalizer"), " ", BLANK);
                ObjectNode split = root.putObject("pre_tokenizer").put("type", "Split");
                split.putObject("pattern").put("String", " ");
                split.put("behavior", "MergedWithPrevious").put("invert", false);
                ofPieces(root, false);
                modelOf(root).put("unk_token",
                        defaulted(settings, "unk_token").map(AddedToken::content).orElse("None"));
            }
        },
        QWEN2("Qwen2Tokenizer", Map.of("unk_token", END, "eos_token", END, "pad_token", END)) {
            @Override
            void steps(ObjectNode root, TokenizerSettings settings) {
                root.putObject("normalizer").put("type", "NFC");
                PreTokenizer.QWEN2.write(root, blankInFront(settings));
                ofBytes(root);
            }
        },
        QWEN3_5("Qwen3_5Tokenizer", QWEN2.defaults) {
            @Override
            void steps(ObjectNode root, TokenizerSettings settings) {
                root.putObject("normalizer").put("type", "NFC");
                PreTokenizer.QWEN35.write(root, blankInFront(settings));
                ofBytes(root);
            }
        },
        GPT2("GPT2Tokenizer", Map.of("unk_token", END, "bos_token", END, "eos_token", END)) {
            @Override
            void steps(ObjectNode root, TokenizerSettings settings) {
                PreTokenizer.GPT2.write(root, blankInFront(settings));
                ofBytes(root);
            }
        },
        CODEGEN("CodeGenTokenizer", GPT2.defaults) {
            @Override
            void steps(ObjectNode root, TokenizerSettings settings) {
                GPT2.steps(root, settings);
            }
        },
        GPT_NEOX("GPTNeoXTokenizer", Map.of("unk_token", END, "bos_token", END, "eos_token", END, "pad_token",
                "<|padding|>")) {
            @Override
            void steps(ObjectNode root, TokenizerSettings settings) {
                root.putObject("normalizer").put("type", "NFC");
                GPT2.steps(root, settings);
                root.putNull("post_processor"); // whatever tokenizer.json puts around a text
            }
        },
        COHERE("CohereTokenizer", Map.of("unk_token", "<UNK>", "bos_token", "<BOS_TOKEN>", "eos_token",
                "<|END_OF_TURN_TOKEN|>", "pad_token", "<PAD>", "cls_token", "<CLS>", "sep_token", "<SEP>", "mask_token",
                "<MASK_TOKEN>")) {
            @Override
            void steps(ObjectNode root, TokenizerSettings settings) {
                root.putObject("normalizer").put("type", "NFC");
                PreTokenizer.SINGLE_DIGITS.write(root, blankInFront(settings));
                ofBytes(root);
            }
        };

        private final String name;
        /** What the class calls its special tokens where tokenizer_config.json names none. */
        @SuppressWarnings("ImmutableEnumChecker") // the map is an immutable one
        private final Map<String, String> defaults;

        Rebuilt(String name, Map<String, String> defaults) {
            this.name = name;
            this.defaults = defaults;
        }

        /** Puts normalizer, pre_tokenizer and decoder, and the settings of the model. */
        abstract void steps(ObjectNode root, TokenizerSettings settings);

        Optional<AddedToken> defaulted(TokenizerSettings settings, String key) {
            return settings.defaulted(key, defaults);
        }

        private static boolean blankInFront(TokenizerSettings settings) {
            return settings.config().bool("add_prefix_space", false);
        }

        private static ObjectNode modelOf(ObjectNode root) {
            return (ObjectNode) root.path("model");
        }

        private static void ofPieces(ObjectNode root, boolean blankInFront) {
            ArrayNode steps = TokenizerJson.steps(root, "decoder", "decoders");
            TokenizerJson.replace(steps.addObject(), BLANK, " ");
            steps.addObject().put("type", "ByteFallback");
            steps.addObject().put("type", "Fuse");
            if (blankInFront) {
                steps.addObject().put("type", "Strip").put("content", " ").put("start", 1).put("stop", 0);
            }
            modelOf(root).put("fuse_unk", true).put("byte_fallback", true);
        }

        private static void ofBytes(ObjectNode root) {
            root.putObject("decoder").put("type", "ByteLevel").put("add_prefix_space", true).put("trim_offsets", true)
                    .put("use_regex", true);
        }

        static Optional<Rebuilt> named(String name) {
            for (Rebuilt one : values()) {
                if (one.name.equals(name)) {
                    return Optional.of(one);
                }
            }
            return Optional.empty();
        }
    }

    /**
     * What transformers makes of the tokenizer.json of a folder.
     *
     * @return nothing if it takes the file as it is
     * @throws CheckpointException if it makes something else that is not known here
     */
    static Optional<RebuiltTokenizer> of(Path file, String json, TokenizerSettings settings) {
        return ofClass(AutoTokenizerClass.of(file.resolveSibling(""), settings, json), file, json, settings);
    }

    /** The same of what lies in no folder. */
    static Optional<RebuiltTokenizer> of(Path file, String json, TokenizerSettings settings, ConfigTree model) {
        return ofClass(AutoTokenizerClass.of(Optional.of(model), settings, json), file, json, settings);
    }

    private static Optional<RebuiltTokenizer> ofClass(String name, Path file, String json,
            TokenizerSettings settings) {
        if (NOT_KNOWN.contains(name)) {
            throw new CheckpointException(
                    ("%s: transformers 5 makes the class %s of this tokenizer, and what that changes is not"
                            + " known here; leave out --tokenizer-compat transformers5").formatted(file,
                                    Shown.of(name)));
        }
        return Rebuilt.named(name).map(rebuilt -> make(rebuilt, file, json, settings));
    }

    private static RebuiltTokenizer make(Rebuilt rebuilt, Path file, String json, TokenizerSettings settings) {
        Map<String, Integer> ids = new LinkedHashMap<>();
        List<String[]> merges = new ArrayList<>();
        List<AddedToken> own = new ArrayList<>();
        ObjectNode whole = TokenizerText.read(file, json, new TokenizerText.Visitor() {
            @Override
            public void token(String token, int id) {
                ids.put(token, id);
            }

            @Override
            public void merge(String left, String right) {
                merges.add(new String[]{left, right});
            }

            @Override
            public void added(AddedToken token) {
                own.add(token);
            }
        });
        List<AddedToken> added = Completion.afresh(settings, settings.ofClass(rebuilt.defaults, own),
                new Vocabulary(ids, ids.size()));
        if (rebuilt == Rebuilt.QWEN2) {
            added = settings.asNamed(rebuilt.defaults, added);
        }
        List<AddedToken> all = added;
        String text = TokenizerJson.of(new SurroundingTokens(all, Optional.empty(), Optional.empty()), root -> {
            JsonNode around = whole.path("post_processor");
            if (around.isObject()) {
                root.set("post_processor", around);
            } else {
                root.putNull("post_processor");
            }
            ObjectNode model = root.putObject("model").put("type", "BPE").putNull("dropout").putNull("unk_token")
                    .putNull("continuing_subword_prefix").putNull("end_of_word_suffix").put("fuse_unk", false)
                    .put("byte_fallback", false).put("ignore_merges", false);
            rebuilt.steps(root, settings);
            ObjectNode vocabulary = model.putObject("vocab");
            ids.forEach(vocabulary::put);
            ArrayNode list = model.putArray("merges");
            // Pairs, since a token of some vocabularies has a blank in it.
            merges.forEach(merge -> list.addArray().add(merge[0]).add(merge[1]));
        });
        return new RebuiltTokenizer(text, all);
    }
}
