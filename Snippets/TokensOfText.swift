// Tokens of texts, of pairs and of conversations with the tokenizer of a model folder.
// usage: TokensOfText MODEL

import PEFT

guard let folder = CommandLine.arguments.dropFirst().first else {
  preconditionFailure("usage: TokensOfText MODEL")
}

// snippet.show
let tokenizer = try Tokenizer(folder: folder)
let ids = tokenizer.encode("Once upon a time")
print(tokenizer.decode(ids))

// snippet.hide
// snippet.show
let pair = try tokenizer.encoding(
  of: "Who wrote it?", pair: "A novel of 1851, by Melville.",
  truncation: Truncation(maximumLength: 128, strategy: .onlySecond, stride: 32))
for (token, range) in zip(pair.tokens, pair.offsets) { print(token, range) }

// snippet.hide
// snippet.show
let messages = [
  ChatMessage(role: "user", content: "What is 2 + 2?"),
  ChatMessage(role: "assistant", content: "4"),
]
let prompt = try tokenizer.applyChatTemplate(Array(messages.dropLast()))
let chat = try tokenizer.chat(messages)
print(prompt.count, "tokens before the answer,", chat.isChosen.count { $0 }, "of it")
// snippet.hide
