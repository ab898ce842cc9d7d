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
