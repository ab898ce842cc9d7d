import { findSuperiorOrgans, SUPERIOR_ORGANS } from '@cidadao/procurement'
import { describe, expect, it } from 'vitest'
import { understandQuestion } from './question.ts'

const DIRECTORY = { find: findSuperiorOrgans, all: SUPERIOR_ORGANS }

describe('understandQuestion', () => {
  it.each([
    ['Analyze Ministry of Health contracts 2024', 'en', ['36000'], 2024],
    ['Analise os contratos do Ministério da Saúde em 2024', 'pt', ['36000'], 2024],
    ['analise os CONTRATOS DO MINISTERIO DA SAUDE em 2024', 'pt', ['36000'], 2024],
    ['contratos do Ministério da Justiça e Segurança Pública', 'pt', ['30000'], undefined],
    ['Compare procurement of the Ministry of Health and the Ministry of Education', 'en', ['36000', '26000'], undefined],
    ['All contracts of 2024, please', 'en', [], 2024],
  ])('understands "%s"', (query, language, codes, year) => {
    const question = understandQuestion(query, DIRECTORY)
    expect(question.organs.map(({ code }) => code)).toEqual(codes)
    expect(question).toMatchObject({ kind: 'contracts', language })
    expect(question.year).toBe(year)
  })

  it.each([
    ['Compare os preços dos itens do Ministério da Saúde', 'prices'],
    ['prices of items in 2024', 'prices'],
    ['Há fracionamento de compras?', 'splitting'],
    ['Analise tudo', 'contracts'],
    ['everything', 'contracts'],
  ])('takes "%s" for a question about %s', (query, kind) => {
    expect(understandQuestion(query, DIRECTORY).kind).toBe(kind)
  })

  it.each(['contratos do fornecedor 11.444.777/0001-61 em 2024', 'contracts of supplier 11444777000161 in 2024'])(
    'finds the CNPJ of one supplier, whose digits are no year: %s',
    (query) => {
      expect(understandQuestion(query, DIRECTORY)).toMatchObject({ kind: 'contracts', supplierCnpj: '11444777000161', year: 2024 })
    },
  )

  it.each([
    ['contracts of the Ministry of Health and the Ministry of Magic', 'ministry of magic'],
    ['contratos do Ministério da Magia e do Ministério da Saúde', 'ministerio da magia'],
    ['contracts of the Ministry of Magic and the Office of the Comptroller General', 'ministry of magic'],
    ['Analise os contratos dos Ministérios da Saúde e da Magia', 'ministerios da saude'],
  ])('refuses "%s" and says which ministry is unknown', (query, unknown) => {
    expect(() => understandQuestion(query, DIRECTORY)).toThrow(unknown)
  })

  it.each([
    ['', 'must say what to investigate'],
    ['  ?! ', 'must say what to investigate'],
    ['What is the weather?', 'no rule understands "What is the weather?"'],
    ['Analyze Ministry of Magic contracts', 'no known ministry is named'],
    ['Analise os contratos do Ministério da Magia', 'Ministério da Saúde'],
    ['contracts of 2023 and 2024', 'must name one year, got 2023 and 2024'],
    ['contracts '.repeat(300), 'at most 2000 characters, got 3000'],
  ])('refuses "%s" and says what to ask instead', (query, message) => {
    expect(() => understandQuestion(query, DIRECTORY)).toThrow(message)
  })
})
